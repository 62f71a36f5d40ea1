"""Follow-ups and relative years become questions that can be searched."""

from datetime import date

import pytest

from answering.conversation import leans_back, standalone, with_years
from answering.values import Turn

TODAY = date(2026, 11, 23)
HISTORY = (Turn("What is the annual fee of the platinum card?", "680"),)


@pytest.mark.parametrize("follow_up", ["How much is it in the first year?", "Why?", "它多少钱？"])
def test_what_points_back_is_searched_together_with_the_question_before(follow_up: str) -> None:
    assert standalone(follow_up, HISTORY, TODAY) == f"{HISTORY[0].question} {follow_up}"


@pytest.mark.parametrize(
    ("before", "follow_up", "expected"),
    [
        (
            "What is the annual fee of the platinum card?",
            "What about the gold card?",
            "What is the annual fee of the gold card?",
        ),
        (
            "What does a loan for a first car cost?",
            "And for a second car?",
            "What does a loan for a second car cost?",
        ),
        ("Is the pool open on Mondays?", "what about Saturdays", "Is the pool open on Saturdays?"),
        ("How many staff did Lund have in 2025?", "And in 2024?", "How many staff did Lund have in 2024?"),
        ("What is the address of South Lake?", "And North Gate?", "What is the address of North Gate?"),
        ("What does a locker cost?", "And last year?", "What does a locker cost last year (2025)?"),
        ("金票多少钱？", "银票呢？", "银票多少钱？"),
        ("二类会员每天能借几本？", "那三类会员呢", "三类会员每天能借几本？"),
        ("东馆周六几点关门？", "周日呢？", "东馆周日几点关门？"),
        ("3年期利率是多少？", "5年期的呢？", "5年期利率是多少？"),
        ("月票多少钱？", "去年呢？", "去年（2025年）月票多少钱？"),
        ("东馆的电话是多少？", "地址呢？", "东馆的地址是多少？"),
        (
            "What is the address of the east hall?",
            "And the phone number?",
            "What is the phone number of the east hall?",
        ),
        (
            "What does a small garden shed cost?",
            "And the large one?",
            "What does the large garden shed cost?",
        ),
    ],
)
def test_a_follow_up_changes_exactly_what_it_names(before: str, follow_up: str, expected: str) -> None:
    assert standalone(follow_up, [Turn(before, "…")], TODAY) == expected


def test_a_follow_up_of_a_follow_up_uses_both() -> None:
    turns = [
        Turn("What does a day ticket cost?", "5"),
        Turn("And a year ticket?", "90"),
        Turn("Thanks!", "…"),
    ]
    assert standalone("and last year?", turns, TODAY) == "What does a year ticket cost last year (2025)?"


@pytest.mark.parametrize("question", ["How do I complain?", "怎么投诉？", "Opening hours of the east hall?"])
def test_a_change_of_subject_does_not_drag_the_old_one_along(question: str) -> None:
    assert standalone(question, HISTORY, TODAY) == question


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
