"""Text to terms, for passages and for questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.analysis import cut_han, query_terms, telling_words, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fees, FEES and fee's", ["fee", "fee", "and", "fee"]),
        ("the bank’s policies", ["the", "bank", "polici"]),
        ("3.35 % in 2026", ["3.35", "in", "2026"]),
        ("2,600 or 2600 or 1,000,000.50", ["2600", "or", "2600", "or", "1000000.50"]),
        ("400-800-5511", ["400-800-5511", "400", "800", "5511"]),
        ("2026-01-31", ["2026-01-31", "2026", "01", "31"]),
        ("９:３０", ["9:30", "9", "30"]),
        ("MT103 3years", ["mt103", "3year"]),
        ("白金卡", ["白", "金", "卡", "白金", "金卡"]),
        ("年费680元", ["年", "费", "年费", "680", "元"]),
        ("APP登录", ["app", "登", "录", "登录"]),
        ("naïve façade_x", ["naïv", "façad", "x"]),
        (" \n…!? ", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the annual fee of the card?", ["annual", "fee", "card"]),
        ("card card cards", ["card"]),
        ("白金卡的年费是多少？", ["白", "金", "卡", "白金", "金卡", "年", "费", "年费"]),
        ("What is it?", ["it"]),
        ("What is the", ["what", "is", "the"]),
        ("是什么", ["是", "什", "么", "是什", "什么"]),
        ("", []),
    ],
)
def test_query_terms_drop_what_only_asks(question: str, expected: list[str]) -> None:
    assert query_terms(question) == expected


def test_for_another_analyzer_chinese_is_cut_and_the_rest_stays() -> None:
    found = cut_han(telling_words("What does 白金卡, the card of 2,600, cost?"))
    assert found == ["白", "金", "卡", "白金", "金卡", "card", "2,600", "cost"]


@given(st.text())
def test_a_question_finds_its_own_words(text: str) -> None:
    found = terms(text)
    assert set(query_terms(text)) <= set(found) | {pair for pair in query_terms(text) if len(pair) == 2}
    assert all(term and not any(letter.isspace() for letter in term) for term in found)
    assert bool(query_terms(text)) == bool(found)
