"""Options that limit where a question looks, the same for `ask` and `search`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from retrieval.values import Filter

InDocuments = Annotated[
    list[str] | None, typer.Option("--document", metavar="PATH", help="Only this document; repeatable.")
]
InFolder = Annotated[str, typer.Option("--folder", metavar="PATH", help="Only documents under this folder.")]
InFormats = Annotated[
    list[str] | None, typer.Option("--format", metavar="SUFFIX", help="Only this format: pdf; repeatable.")
]
After = Annotated[str, typer.Option(metavar="DATE", help="Only files modified on this day or later.")]
Before = Annotated[str, typer.Option(metavar="DATE", help="Only files modified on this day or earlier.")]


def limit_of(
    documents: list[str] | None, folder: str, formats: list[str] | None, after: str, before: str
) -> Filter:
    """The filter that these options describe; raises BadParameter for what is no date."""
    from retrieval.values import Filter

    return Filter(
        documents=frozenset(documents or ()),
        folder=folder.strip("/"),
        formats=frozenset(suffix.lower().lstrip(".") for suffix in formats or ()),
        after=_day(after, "--after"),
        before=_day(before, "--before"),
    )


def _day(text: str, option: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r} is not a date like 2026-01-31.") from error
