"""A verdict may be given at another copy of the server than the one that answered."""

from dataclasses import replace
from pathlib import Path

import pytest

from answering.values import Answer, Finished, Piece, Question
from app.replicas import RecentAnswers
from knowledge_base.errors import NotFoundError
from tests.fake_workspace import FakeWorkspace


def an_answer() -> Answer:
    workspace = FakeWorkspace()
    workspace.put("bank", "费用.txt", "白金卡年费为680元。", "费用")
    return workspace.answer(Question("白金卡年费", "bank"))


def test_an_answer_comes_back_as_it_was_at_another_copy(tmp_path: Path) -> None:
    answer = an_answer()
    events = [Piece("68"), Finished(answer)]
    assert list(RecentAnswers(tmp_path).noting(iter(events))) == events
    assert RecentAnswers(tmp_path).get(answer.id) == answer


def test_one_that_was_never_given_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no longer stored"):
        RecentAnswers(tmp_path).get("x")


def test_the_last_ones_are_known_and_earlier_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.replicas._ANSWERS", 3)
    recent = RecentAnswers(tmp_path)
    answer = an_answer()
    list(recent.noting(Finished(replace(answer, id=str(number))) for number in range(4)))
    assert recent.get("3").id == "3"
    with pytest.raises(NotFoundError, match="no longer stored"):
        recent.get("0")


def test_an_answer_is_given_where_it_cannot_be_remembered(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    answer = an_answer()
    assert list(RecentAnswers(tmp_path / "home").noting(iter([Finished(answer)]))) == [Finished(answer)]
