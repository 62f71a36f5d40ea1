"""Options that limit where a question looks, the same for `ask` and `search`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

InDocuments = Annotated[
    list[str] | None,
    typer.Option("--document", metavar="PATH", help="Search only this document; repeatable."),
]
InFolder = Annotated[
    str, typer.Option("--folder", metavar="PATH", help="Search only documents in this folder.")
]
InFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--format", metavar="SUFFIX", help="Search only files of this type, such as pdf; repeatable."
    ),
]
After = Annotated[
    str, typer.Option(metavar="DATE", help="Search only files modified on or after this date (2026-01-31).")
]
Before = Annotated[
    str, typer.Option(metavar="DATE", help="Search only files modified on or before this date.")
]


def limit_of(
    documents: list[str] | None, folder: str, formats: list[str] | None, after: str, before: str
) -> dict[str, object]:
    """The `Filter` that these options describe; raises BadParameter for what is no date."""
    return {
        "documents": documents or [],
        "folder": folder.strip("/"),
        "formats": [suffix.lower().lstrip(".") for suffix in formats or ()],
        "after": _day(after, "--after"),
        "before": _day(before, "--before"),
    }


def _day(text: str, option: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r} is not a date like 2026-01-31.") from error
