"""Follow-ups and relative years become questions that can be searched."""

from datetime import date

import pytest

from answering.conversation import leans_back, standalone, with_years
from answering.values import Turn

TODAY = date(2026, 11, 23)
HISTORY = (Turn("What is the annual fee of the platinum card?", "680"),)


@pytest.mark.parametrize(
    "follow_up",
    [
        "And the gold card?",
        "What about the gold card?",
        "How much is it in the first year?",
        "Why?",
        "那金卡呢？",
        "它多少钱？",
    ],
)
def test_a_follow_up_is_searched_together_with_the_question_before(follow_up: str) -> None:
    assert standalone(follow_up, HISTORY, TODAY) == f"{HISTORY[0].question} {follow_up}"


@pytest.mark.parametrize(
    "question",
    ["When does the Quay Street branch open on Saturday?", "个人住房贷款最长可以贷多少年？"],
)
def test_a_complete_question_stands_alone(question: str) -> None:
    assert not leans_back(question)
    assert standalone(question, HISTORY, TODAY) == question


def test_without_a_conversation_nothing_is_added() -> None:
    assert standalone("And the gold card?", (), TODAY) == "And the gold card?"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("the fee this year?", "the fee this year (2026)?"),
        ("Last year's fee", "Last year's (2025) fee"),
        ("next year", "next year (2027)"),
        ("白金卡今年的年费", "白金卡今年（2026年）的年费"),
        ("去年的年费", "去年（2025年）的年费"),
        ("明年放假安排", "明年（2027年）放假安排"),
        ("the fee in 2024", "the fee in 2024"),
    ],
)
def test_relative_years_get_their_number(question: str, expected: str) -> None:
    assert with_years(question, TODAY) == expected


def test_years_are_written_only_once() -> None:
    once = with_years("今年和去年, this year and last year", TODAY)
    assert with_years(once, TODAY) == once
