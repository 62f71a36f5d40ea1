"""Guesses from what was read before."""

from hypothesis import given
from hypothesis import strategies as st

from answering.generation.decoding import Lookup

TOKENS = st.lists(st.integers(0, 3), max_size=40)


def test_what_followed_the_last_two_tokens_is_guessed() -> None:
    lookup = Lookup([1, 2, 3, 4, 5, 1, 2])
    assert lookup.guess(3) == (3, 4, 5)
    assert lookup.guess(99) == (3, 4, 5, 1, 2)
    assert lookup.guess(0) == ()


def test_the_latest_place_counts() -> None:
    assert Lookup([1, 2, 3, 1, 2, 4, 1, 2]).guess(1) == (4,)


def test_what_is_written_is_remembered_too() -> None:
    lookup = Lookup([7, 8])
    for token in (9, 7, 8):
        lookup.add(token)
    assert lookup.guess(2) == (9, 7)


@given(TOKENS, st.integers(0, 8))
def test_a_guess_is_what_followed_the_same_two_tokens(ids: list[int], most: int) -> None:
    guess = Lookup(ids).guess(most)
    places = [place for place in range(2, len(ids)) if ids[place - 2 : place] == ids[-2:]]
    expected = ids[places[-1] : places[-1] + most] if places else []
    assert list(guess) == expected
