"""The calibrated decision: signals, probability, files."""

from pathlib import Path

import pytest

from answering.sufficiency import (
    SIGNALS,
    Calibration,
    best_of,
    dump_calibrations,
    load_calibrations,
    signals_of,
)
from knowledge_base.errors import StorageError
from knowledge_base.values import Passage
from retrieval.retriever import Ranked

PASSAGE = Passage("a.txt", 0, "the platinum card costs 680", 0, 27, title="")


def test_signals_of_a_passage_that_both_retrievers_found() -> None:
    ranked = Ranked(PASSAGE, 1.0, dense_rank=2, dense_score=0.9, lexical_rank=1, lexical_score=7.0)
    signals = signals_of("platinum card fee", ranked, -1.5)
    assert signals == {
        "certainty": 1.5,
        "cosine": 0.9,
        "coverage": pytest.approx(2 / 3),
        "dense": 0.5,
        "lexical": 1.0,
        "chinese": 0.0,
    }
    assert tuple(signals) == SIGNALS


def test_what_is_not_known_is_zero() -> None:
    signals = signals_of("年费", Ranked(PASSAGE, 1.0), None)
    assert signals["certainty"] == signals["dense"] == signals["lexical"] == 0.0
    assert signals["chinese"] == 1.0


def test_the_probability_is_logistic_and_never_overflows() -> None:
    calibration = Calibration({"cosine": 2.0}, bias=-1.0, threshold=0.5)
    assert calibration.probability({"cosine": 0.5}) == 0.5
    assert calibration.probability({"cosine": 1e9}) == pytest.approx(1.0)
    assert calibration.probability({"cosine": -1e9}) == pytest.approx(0.0)


def test_the_better_ranked_of_two_equals_is_chosen() -> None:
    assert best_of([0.2, 0.7, 0.7]) == 1


def test_a_calibration_file_can_be_written_and_read(tmp_path: Path) -> None:
    calibrations = {"scored": Calibration({"cosine": 2.0}, -1.0, 0.4)}
    file = tmp_path / "calibration.json"
    file.write_text(dump_calibrations(calibrations, {"questions": 10}), encoding="utf-8")
    assert load_calibrations(file) == calibrations


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"calibrations": {"scored": {"weights": {"luck": 1}, "bias": 0, "threshold": 0}}}',
        '{"calibrations": {"scored": {}}}',
    ],
)
def test_a_damaged_calibration_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError, match="calibrate"):
        load_calibrations(file)


def test_a_missing_calibration_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="calibrate"):
        load_calibrations(tmp_path / "none.json")
