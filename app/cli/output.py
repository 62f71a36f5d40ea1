"""Where output goes: results to standard output, progress and messages to standard error."""

import re
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from knowledge_base.characters import with_visible_directions

# Escape sequences in a document must not reach the terminal, which would obey them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PIPE_WIDTH = 200


def console() -> Console:
    """Standard output; wide when it is no terminal, so that a pipe gets whole lines."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def messages() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False)


def write_json(value: object) -> None:
    """Models of `app.schema`, or lists of them, as one line of JSON on standard output, there at once."""
    from pydantic_core import to_json

    typer.echo(to_json(value).decode())


def plain(text: str) -> Text:
    """Text of a document or a user, to be shown as it is: neither markup nor escape sequences count."""
    return Text(with_visible_directions(_CONTROLS.sub("", text)))


def note_text(note: Any, locale: Any) -> str:  # noqa: ANN401 - as JSON gives them
    """What was not read of a document: a `Note` of `app.schema` in the language of the settings."""
    from knowledge_base.notes import Note

    return Note(note.kind, note.count, tuple(note.pages), note.name).text(locale)


def tell_report(page: object) -> None:
    """Where a report page lies, on standard error."""
    messages().print(plain(f"Report: {page}"), soft_wrap=True)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A plain table; numbers stand on the right."""
    made = Table(box=None, pad_edge=False)
    for place, heading in enumerate(headings):
        numeric = bool(rows) and all(isinstance(row[place], int | float) for row in rows)
        made.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(plain(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row))
    return made


def size(count: int) -> str:
    """Bytes as people read them."""
    units = ("B", "kB", "MB", "GB", "TB")
    power = min((len(str(count)) - 1) // 3, len(units) - 1)
    return f"{count / 1000**power:.{1 if power else 0}f} {units[power]}"
