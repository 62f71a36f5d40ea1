"""HTML is built so that no text from outside can become markup."""

import re

from hypothesis import given
from hypothesis import strategies as st

from app.page.markup import Markup, icon, join, tag

MARKUP = re.compile(r"<(?!/?p>|p title=)")


@given(st.text(), st.text())
def test_text_never_becomes_markup(child: str, value: str) -> None:
    made = tag("p", child, title=value)
    inside = made.removeprefix("<p").removesuffix("</p>")
    assert "<" not in inside
    assert inside.count(">") == 1
    assert inside.count('"') == 2
    assert "'" not in inside


def test_what_was_built_here_is_kept_as_it_is() -> None:
    assert tag("p", tag("b", "a & b"), " < ") == "<p><b>a &amp; b</b> &lt; </p>"
    assert join(["<", Markup("<i></i>")]) == "&lt;<i></i>"


def test_attributes_are_named_as_in_html_and_left_out_when_there_is_none() -> None:
    made = tag("button", cls="one", data_start=3, aria_label="x", disabled=True, title=None, hidden=False)
    assert made == '<button class="one" data-start="3" aria-label="x" disabled></button>'


def test_icons_say_nothing_to_screen_readers() -> None:
    assert 'aria-hidden="true"' in icon("copy")


def test_marks_of_direction_are_shown() -> None:
    assert str(tag("p", "invoice\u202efdp.exe")) == "<p>invoice⟨U+202E⟩fdp.exe</p>"
    assert str(tag("p", tag("b", "年\u2066费"))) == "<p><b>年⟨U+2066⟩费</b></p>"
