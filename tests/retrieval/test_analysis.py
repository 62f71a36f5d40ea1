"""Text to terms, for passages and for questions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.analysis import (
    content_terms,
    cut_chinese,
    normalise,
    numbers_of,
    query_terms,
    query_words,
    share,
    supporting_terms,
    terms,
)


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
    found = cut_chinese(query_words("What does 白金卡, the card of 2,600, cost?"))
    assert found == ["白", "金", "卡", "白金", "金卡", "card", "2,600", "cost"]


@given(st.text())
def test_a_question_finds_its_own_words(text: str) -> None:
    found = terms(text)
    assert set(query_terms(text)) <= set(found) | {pair for pair in query_terms(text) if len(pair) == 2}
    assert all(term and not any(letter.isspace() for letter in term) for term in found)
    assert bool(query_terms(text)) == bool(found)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,200 yuan, 3.35 %", {"1200", "3.35"}),
        ("６８０元", {"680"}),
        ("09:00–17:00", {"09:00", "17:00"}),
        ("none", set()),
    ],
)
def test_numbers_are_read_whole(text: str, numbers: set[str]) -> None:
    assert numbers_of(text) == numbers


def test_chinese_runs_become_pairs_and_stop_words_vanish() -> None:
    assert content_terms("the 白金卡 of 2026") == {"白金", "金卡", "2026"}
    assert content_terms("the") == {"the"}


def test_nothing_wanted_is_never_held() -> None:
    assert share(frozenset(), frozenset({"a"})) == 0.0
    assert share(frozenset({"a", "b"}), frozenset({"a"})) == 0.5


@pytest.mark.parametrize(
    ("typed", "compared"),
    [
        ("個人住房貸款", "个人住房贷款"),
        ("ＣＡＲＤ １２３，", "card 123,"),
        ("⻓⻛⼤廈", "长风大厦"),
        ("ﬁle", "file"),
        ("plain", "plain"),
    ],
)
def test_one_form_is_compared(typed: str, compared: str) -> None:
    assert normalise(typed) == compared
    assert terms(typed) == terms(compared)
    assert query_terms(typed) == query_terms(compared)
    assert content_terms(typed) == content_terms(compared)


def test_characters_beyond_the_basic_plane_are_cut_into_pairs_too() -> None:
    assert content_terms("𠀀𠀁𠀂") == {"𠀀𠀁", "𠀁𠀂"}
    assert supporting_terms("𠀀𠀁") == {"𠀀𠀁", "𠀀", "𠀁"}


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
