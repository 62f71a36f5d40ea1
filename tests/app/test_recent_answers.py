"""Answers are remembered for a while, and the oldest are forgotten."""

from dataclasses import replace

import pytest

from app.answering.values import Finished, Piece, Question
from app.recent_answers import RecentAnswers
from knowledge_base.errors import NotFoundError
from tests.fake_workspace import FakeWorkspace


def test_the_last_hundreds_are_known_and_earlier_ones_are_not() -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "a.txt", "The card costs 680 yuan.")
    answer = workspace.answer(Question("card", "bank"))
    recent = RecentAnswers()
    events = [Piece("x"), *(Finished(replace(answer, id=str(number))) for number in range(501))]
    assert list(recent.noting(iter(events))) == events
    assert recent.get("500").id == "500"
    with pytest.raises(NotFoundError, match="no longer remembered"):
        recent.get("0")
