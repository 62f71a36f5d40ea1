"""Near-duplicates: the same by brute force, numbers kept apart, near-linear time."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.pairs.near_duplicates import NEAR, NearDuplicates, likeness, mark_of, near_duplicate_groups

WORDS = st.lists(st.sampled_from(["fee", "card", "gold", "loan", "rate", "2025", "2026", "白金卡", "年费"]))
TEXTS = st.lists(WORDS.map(" ".join), max_size=12)
LIMITS = st.sampled_from([0.3, 0.5, 0.6, 0.75, 0.8, 1.0])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the annual fee of the platinum card?", "What's the platinum card's annual fee?"),
        ("白金卡的年费是多少？", "白金卡的年费是多少"),
        ("FEE of １ card", "fee of 1 card"),
    ],
)
def test_other_order_case_and_width_say_the_same(one: str, other: str) -> None:
    assert likeness(mark_of(one), mark_of(other)) >= NEAR


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "What was the annual fee of the platinum card in 2025?",
            "What was the annual fee of the platinum card in 2026?",
        ),
        ("2025年白金卡年费是多少？", "2026年白金卡年费是多少？"),
        ("What is the annual fee of the gold card?", "What is the annual fee of the platinum card?"),
    ],
)
def test_another_year_or_card_is_another_question(one: str, other: str) -> None:
    assert likeness(mark_of(one), mark_of(other)) < NEAR


@given(TEXTS, LIMITS)
def test_near_finds_what_comparing_all_finds(texts: list[str], limit: float) -> None:
    index = NearDuplicates(texts, limit)
    for text in [*texts, "gold card fee", ""]:
        mark = mark_of(text)
        expected = [place for place, other in enumerate(texts) if likeness(mark, mark_of(other)) >= limit]
        assert index.near(text) == expected


@given(TEXTS, LIMITS)
def test_groups_hold_each_text_once_and_all_that_are_near(texts: list[str], limit: float) -> None:
    groups = near_duplicate_groups(texts, limit)
    assert sorted(place for group in groups for place in group) == list(range(len(texts)))
    assert groups == sorted(sorted(group) for group in groups)
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    for one, other in itertools.combinations(range(len(texts)), 2):
        if likeness(mark_of(texts[one]), mark_of(texts[other])) >= limit:
            assert group_of[one] == group_of[other]


def test_groups_reach_through_others() -> None:
    texts = ["a1 b c d e f", "b c d e f g", "c d e f g h", "x y z"]
    assert near_duplicate_groups([text.replace("a1", "k") for text in texts], 0.7) == [[0, 1, 2], [3]]


@given(WORDS.map(" ".join), WORDS.map(" ".join))
def test_likeness_is_symmetric_and_between_zero_and_one(one: str, other: str) -> None:
    assert likeness(mark_of(one), mark_of(other)) == likeness(mark_of(other), mark_of(one))
    assert 0.0 <= likeness(mark_of(one), mark_of(other)) <= 1.0
    assert likeness(mark_of(one), mark_of(one)) == 1.0


@pytest.mark.parametrize("limit", [0.0, -1.0, 1.1])
def test_a_limit_out_of_range_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="likeness"):
        NearDuplicates(["a"], limit)


def test_many_texts_take_no_quadratic_time() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(word) for word in itertools.islice(itertools.product(letters, repeat=4), 20_000)]
    texts = [f"What does the service called {word} cost in this town?" for word in words]
    copies = ["the same question again"] * 20_000
    groups = near_duplicate_groups([*texts, *copies], 0.9)
    assert [len(group) for group in groups] == [*[1] * 20_000, 20_000]
