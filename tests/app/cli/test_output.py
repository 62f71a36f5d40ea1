"""How values are shown."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from app.cli.output import plain, size, table


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4_096, "4.1 kB"),
        (71_622_400, "71.6 MB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


@given(st.text())
def test_nothing_of_a_text_is_lost_but_controls(text: str) -> None:
    shown = plain(text).plain
    assert [char for char in text if char.isprintable()] == [char for char in shown if char.isprintable()]
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\r", "\b"}


def test_a_table_shows_markup_as_text_and_numbers_on_the_right() -> None:
    out = Console(file=io.StringIO(), width=60)
    out.print(table(("document", "passages"), [("[red]a[/red].txt", 12345), ("b.txt", 7)]))
    assert isinstance(out.file, io.StringIO)
    heading, first, second = out.file.getvalue().splitlines()
    assert first.split() == ["[red]a[/red].txt", "12,345"]
    assert second.endswith("       7")
    assert heading.split() == ["document", "passages"]
