"""The texts that were written for the reader to learn from."""

import json
from collections import Counter
from pathlib import Path

import pytest

from finetune.pairs.formats import read_pairs
from finetune.pairs.values import Pair
from tests.run_script import ROOT, run_script

_FILES = sorted((ROOT / "scripts" / "written_texts").glob("*/*.json"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Pair]]:
    """The folder with the documents, and the pairs."""
    target = tmp_path_factory.mktemp("written")
    run_script("written_pairs.py", "--target", str(target))
    return target / "documents", list(read_pairs(target / "pairs.jsonl").pairs)


def test_every_question_of_every_text_becomes_a_pair(made: tuple[Path, list[Pair]]) -> None:
    documents, pairs = made
    passages = [p for f in _FILES for p in json.loads(f.read_text(encoding="utf-8"))["passages"]]
    assert len(pairs) == sum(len(passage["pairs"]) for passage in passages) > 1000
    assert len(list(documents.rglob("*.txt"))) == len(passages)


def test_an_answer_is_in_its_document_and_in_its_quote(made: tuple[Path, list[Pair]]) -> None:
    documents, pairs = made
    for pair in pairs:
        (evidence,) = pair.evidence
        text = (documents / evidence.document).read_text(encoding="utf-8")
        assert pair.answers[0] in evidence.quote, pair
        assert evidence.quote in text, pair


def test_a_question_does_not_contain_its_answer_and_a_sentence_does(made: tuple[Path, list[Pair]]) -> None:
    for pair in made[1]:
        assert pair.answers[0] not in pair.question, pair
        assert not pair.sentence or pair.answers[0] in pair.sentence, pair


def test_no_question_is_asked_twice(made: tuple[Path, list[Pair]]) -> None:
    asked = Counter(pair.question for pair in made[1])
    assert not [question for question, times in asked.items() if times > 1]
