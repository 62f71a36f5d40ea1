"""What both kinds of generators ask of a request."""

import pytest

from answering.generation.protocol import beginnings


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        ("Not here", {"Not here", " Not here", "not here", " not here", "NOT HERE", " NOT HERE"}),
        ("文档中没有", {"文档中没有"}),
    ],
)
def test_a_word_begins_a_reply_in_any_case_and_behind_a_blank(text: str, ways: set[str]) -> None:
    assert set(beginnings(text)) == ways
    assert len(beginnings(text)) == len(ways)
