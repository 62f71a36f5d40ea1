"""The texts that were written for the relevance model, and the script that trains it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from safetensors.torch import load_file

from retrieval.relevance import ADAPTER
from tests.run_script import ROOT, run_script

_TEXTS = [
    json.loads(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "scripts" / "relevance_texts").glob("*/*.json"))
]


def test_a_question_names_lines_that_are_there() -> None:
    for text in _TEXTS:
        lines = [line for section in text["sections"] for line in section["lines"]]
        for asked in text["questions"]:
            assert all(0 <= place < len(lines) for place in asked["lines"]), (text["title"], asked)
            assert asked.get("verdict") in {None, "yes", "no"}
            assert asked["lines"] or "verdict" not in asked, asked


def test_no_question_is_asked_twice() -> None:
    asked = Counter(question["question"] for text in _TEXTS for question in text["questions"])
    assert len(asked) > 3000
    assert not [question for question, times in asked.items() if times > 1]


def test_some_texts_are_held_out_and_some_questions_have_no_answer() -> None:
    assert sum(text.get("held_out", False) for text in _TEXTS) > len(_TEXTS) / 10
    answers = [len(asked["lines"]) for text in _TEXTS for asked in text["questions"]]
    assert answers.count(0) > len(answers) / 10
    assert sum(count > 1 for count in answers) > len(answers) / 20


@pytest.mark.models
@pytest.mark.heavy
def test_a_training_goes_on_from_the_weights_that_are_shipped(tmp_path: Path) -> None:
    made = tmp_path / "made.safetensors"
    options = ["--sources", "written", "--questions", "6", "--minutes", "0.05", "--output", str(made)]
    run_script("train_relevance.py", "--start", str(ADAPTER), *options)
    before, after = load_file(ADAPTER), load_file(made)
    assert before.keys() == after.keys()
    changed = [name for name, value in after.items() if not value.equal(before[name])]
    assert changed, "nothing was learned"
    assert all(value.isfinite().all() for value in after.values())
