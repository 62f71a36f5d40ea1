"""What a text is about, as a set."""

import pytest

from retrieval.terms import content_terms, numbers_of, share


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


def test_han_runs_become_pairs_and_empty_words_vanish() -> None:
    assert content_terms("the 白金卡 of 2026") == {"白金", "金卡", "2026"}
    assert content_terms("the") == {"the"}


def test_nothing_wanted_is_never_held() -> None:
    assert share(frozenset(), frozenset({"a"})) == 0.0
    assert share(frozenset({"a", "b"}), frozenset({"a"})) == 0.5
