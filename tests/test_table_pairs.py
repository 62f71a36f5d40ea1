"""The tables that a reader learns to take the right row from."""

import json
from collections import Counter
from pathlib import Path

import pytest

from finetune.pairs.formats import read_pairs
from finetune.pairs.values import Pair
from tests.run_script import ROOT, run_script


def _make(target: Path, seed: int = 0) -> list[Pair]:
    run_script("table_pairs.py", "--target", str(target), "--seed", str(seed))
    return list(read_pairs(target / "pairs.jsonl").pairs)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Pair]]:
    """The folder with the documents, and the pairs."""
    target = tmp_path_factory.mktemp("tables")
    return target / "documents", _make(target)


def _text(documents: Path, pair: Pair) -> str:
    return (documents / f"{pair.origin}.md").read_text(encoding="utf-8")


def _cells(text: str) -> Counter[str]:
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return Counter(cell.strip() for line in lines for cell in line)


def test_an_answer_is_in_one_cell_of_its_document(made: tuple[Path, list[Pair]]) -> None:
    documents, pairs = made
    answerable = [pair for pair in pairs if pair.answerable]
    assert len(answerable) > 400
    for pair in answerable:
        assert _cells(_text(documents, pair))[pair.answers[0]] == 1, pair
        assert pair.evidence[0].document == f"{pair.origin}.md"
        assert pair.answers[0] in pair.sentence


def test_what_must_be_refused_asks_for_a_row_that_is_not_there(made: tuple[Path, list[Pair]]) -> None:
    documents, pairs = made
    subjects = [
        subject
        for file in sorted((ROOT / "scripts" / "table_subjects").glob("*.json"))
        for subject in json.loads(file.read_text(encoding="utf-8"))
    ]
    absent = {name.lower() for subject in subjects for name in subject["absent"]}
    unanswerable = [pair for pair in pairs if not pair.answerable]
    assert len(unanswerable) == sum(len(subject["absent"]) * (1 + subject["years"]) for subject in subjects)
    for pair in unanswerable:
        asked = {name for name in absent if name in pair.question.lower()}
        assert asked, pair
        assert not asked & {cell.lower() for cell in _cells(_text(documents, pair))}, pair


def test_the_seed_decides(made: tuple[Path, list[Pair]], tmp_path: Path) -> None:
    _, pairs = made
    assert _make(tmp_path / "again") == pairs
    assert _make(tmp_path / "other", seed=1) != pairs
