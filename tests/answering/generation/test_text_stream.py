"""Pieces of text: whole characters only, nothing of a stop text, and together exactly the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering.generation.decoding import StopFilter, TokenText

TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\ufffd"), max_size=30)


def decode_bytes(ids: list[int]) -> str:
    """A tokenizer whose tokens are bytes: the hardest case for characters of several bytes."""
    return bytes(ids).decode("utf-8", errors="replace")


def pieces(ids: list[int]) -> list[str]:
    text = TokenText(decode_bytes)
    return [*(text.push(token) for token in ids), text.rest()]


@given(TEXTS)
def test_pieces_of_bytes_are_whole_characters_and_give_the_text(text: str) -> None:
    found = pieces(list(text.encode()))
    assert "".join(found) == text
    assert not any("\ufffd" in piece for piece in found)


@pytest.mark.parametrize("text", ["年费", "🏦", "a年"])
def test_a_character_comes_with_its_last_byte(text: str) -> None:
    found = pieces(list(text.encode()))
    ends = {len(text[: end + 1].encode()) - 1 for end in range(len(text))}
    assert {place for place, piece in enumerate(found) if piece} == ends


def test_a_character_that_never_ends_is_not_shown() -> None:
    assert "".join(pieces(list("fee 年".encode())[:-1])) == "fee "


def test_bytes_that_are_no_character_do_not_hold_up_what_follows() -> None:
    assert "".join(pieces([0x61, 0xE5, 0x62, 0x63])) == "a\ufffdbc"


def test_words_that_need_their_neighbour_keep_their_space() -> None:
    words = ["the", "fee", "is", "680"]
    text = TokenText(lambda ids: " ".join(words[token] for token in ids))
    assert [text.push(token) for token in range(4)] == ["the", " fee", " is", " 680"]


def filtered(parts: list[str], stops: list[str]) -> str:
    stop = StopFilter(stops)
    return "".join([*(stop.push(part) for part in parts), stop.rest()])


@given(st.lists(st.text("abc", max_size=4), max_size=8), st.lists(st.text("abc", max_size=4), max_size=3))
def test_the_text_ends_before_the_first_stop_however_it_is_cut(parts: list[str], stops: list[str]) -> None:
    text = "".join(parts)
    # A stop is seen when its last letter comes, so the one that is complete first counts.
    complete = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop and stop in text]
    by_letter = filtered(list(text), stops)
    if not complete:
        assert by_letter == filtered(parts, stops) == text
    else:
        first = min(end for end, _ in complete)
        assert by_letter == text[: min(start for end, start in complete if end == first)]
        assert not any(stop and stop in filtered(parts, stops) for stop in stops)


def test_what_could_become_a_stop_waits_and_what_cannot_is_shown() -> None:
    stop = StopFilter(["\n\nQuestion:"])
    assert stop.push("680 yuan.\n") == "680 yuan."
    assert stop.push("More") == "\nMore"
    assert stop.push("\n\nQuest") == ""
    assert stop.push("ion: next") == ""
    assert stop.stopped
    assert stop.push("more") == "" == stop.rest()
