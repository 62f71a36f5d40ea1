"""Answer measures: what counts as the same answer in English and Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.metrics import answer_tokens, exact_match, f1


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("The Platinum card.", "platinum card"),
        ("1,200", "1200"),
        ("3.35 %", "3.35"),
        ("六百八十元。", "六百八十元"),
        ("６８０元", "680元"),
        ("VISA 白金卡", "visa白金卡"),
    ],
)
def test_articles_punctuation_case_and_width_do_not_matter(answer: str, accepted: str) -> None:
    assert exact_match(answer, [accepted]) == 1.0


@pytest.mark.parametrize(("answer", "accepted"), [("680", "580"), ("3.35", "335"), ("金卡", "白金卡")])
def test_another_figure_or_name_is_another_answer(answer: str, accepted: str) -> None:
    assert exact_match(answer, [accepted]) == 0.0


def test_f1_is_the_harmonic_mean_over_the_best_accepted_answer() -> None:
    assert f1("annual fee of 680 yuan", ["680 yuan", "something else"]) == pytest.approx(
        2 * (2 / 5) / (1 + 2 / 5)
    )


def test_chinese_is_counted_by_characters() -> None:
    assert f1("港湾银行总行", ["港湾银行"]) == pytest.approx(2 * (4 / 6) / (1 + 4 / 6))


def test_nothing_in_common_or_nothing_accepted_is_zero() -> None:
    assert f1("yes", ["no"]) == 0.0
    assert f1("yes", []) == 0.0


@given(st.text(max_size=40))
def test_every_text_equals_itself(text: str) -> None:
    assert exact_match(text, [text]) == 1.0
    assert f1(text, [text]) == 1.0


@given(st.text(max_size=40), st.text(max_size=40))
def test_f1_is_symmetric_and_between_zero_and_one(one: str, other: str) -> None:
    assert f1(one, [other]) == pytest.approx(f1(other, [one]))
    assert 0.0 <= f1(one, [other]) <= 1.0


def test_tokens_keep_decimals_whole() -> None:
    assert answer_tokens("At least 3.35% or 20 yuan") == ["at", "least", "3.35", "or", "20", "yuan"]
