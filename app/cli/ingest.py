"""`domainqa ingest`: a folder becomes a collection."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from app.cli.output import console, messages, note_text, plain, table
from app.cli.progress import IngestBar
from app.cli.state import Collection, Home, Json, NoServer, remember
from knowledge_base.errors import BusyError, DomainqaError, LoadError, RemovalError, UnavailableError

if TYPE_CHECKING:
    from app.cli.calls import Calls, Reply
    from app.schema import IngestReport

T = TypeVar("T")

_MOST_SHOWN = 50
# Failures after which watching goes on.
_MAY_PASS = {BusyError.exit_code, UnavailableError.exit_code, RemovalError.exit_code}

AllowRemoval = Annotated[
    bool,
    typer.Option("--allow-removal", help="Remove documents even if more than half of their files are gone."),
]


def ingest(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with the documents.")],
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild", help="Build the collection again, with the embedder and chunk size of the settings."
        ),
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Keep running, and ingest again whenever the folder changes.")
    ] = False,
    ocr: Annotated[
        Literal["auto", "off", "force"] | None,
        typer.Option(
            help="Pages that OCR reads: auto (those without usable text), off (none), force (every PDF page)."
        ),
    ] = None,
    allow_removal: AllowRemoval = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Update a collection from a folder: add, replace and remove documents.

    Unchanged files are not read again. Files that cannot be read, files of unknown formats, and parts of
    files that were left out are listed with the reason; everything else is ingested. --json prints the report
    (docs/api.md); with --watch, one line for each run. The exit code is 5 if a file could not be read, or if
    the folder holds only files of unknown formats.

    If more than half of the files are gone, perhaps because a disk is not mounted, nothing is changed (exit
    code 12) unless you confirm or give --allow-removal.

    \b
    Example:
      domainqa ingest samples/bank
      domainqa ingest ~/handbook --collection staff --watch
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        bring = partial(_bring_in_step, calls, folder, ocr)
        reply = asking(lambda allowed: bring(allow_removal=allowed, rebuild=rebuild), allow_removal)
        tell(reply.value, calls.usual.locale, reply.text if as_json else None)
        if watch:
            messages().print(f"Watching {folder}. Press Ctrl-C to stop.", markup=False)
            again = partial(bring, allow_removal)
            _keep_watching(again, folder, calls.usual.locale, as_json)
    if reply.value.failed or _is_unreadable(reply.value):
        raise typer.Exit(LoadError.exit_code)


def asking(bring: Callable[[bool], T], allow_removal: bool) -> T:
    """What `bring` gives; whoever sits at a terminal is asked whether most documents may be removed."""
    try:
        return bring(allow_removal)
    except DomainqaError as error:
        if error.exit_code != RemovalError.exit_code or not sys.stdin.isatty():
            raise
        typer.confirm(f"{error.cause} Remove them from the collection?", abort=True, err=True)
        return bring(True)


def _bring_in_step(
    calls: Calls, folder: Path, ocr: str | None, allow_removal: bool, rebuild: bool = False
) -> Reply:
    """Ingest with a bar."""
    place = str(folder.absolute())
    with IngestBar(f"Ingesting {folder}") as bar:
        return calls.do(
            "documents.ingest",
            bar.hear,
            folder=place,
            collection=calls.collection,
            rebuild=rebuild,
            ocr=ocr,
            allow_removal=allow_removal,
        )


def tell(report: IngestReport, locale: str, as_json: str | None = None) -> None:
    """Print what an ingest did, as a table or as the JSON that is given."""
    if as_json is not None:
        typer.echo(as_json)
        return
    if _has_news(report):
        _show(report)
    elif _is_unreadable(report):
        typer.echo(f"No file could be read; the folder has {len(report.skipped)} of other formats.")
    else:
        typer.echo(f"Nothing has changed: {len(report.unchanged)} documents in {report.collection}.")
    _show_unread(report, locale)
    if report.outdated:
        console().print(
            "An earlier version of domainqa read this collection. This version reads many files better. "
            "To read all of them again: domainqa ingest FOLDER --rebuild",
            style="yellow",
            markup=False,
        )


def _keep_watching(bring: Callable[[], Reply], folder: Path, locale: str, as_json: bool) -> None:
    from knowledge_base.watch import watch

    def again() -> None:
        try:
            reply = bring()
        except DomainqaError as error:
            if error.exit_code not in _MAY_PASS:
                raise
            messages().print(f"{error} The next change tries again.", style="yellow", markup=False)
            return
        if _has_news(reply.value):
            tell(reply.value, locale, reply.text if as_json else None)

    watch(folder, again, threading.Event())


def _is_unreadable(report: IngestReport) -> bool:
    """Whether there are files, and none of them is a document of the collection."""
    read = report.added or report.changed or report.unchanged
    return bool(report.failed or report.skipped) and not read


def _has_news(report: IngestReport) -> bool:
    return bool(report.added or report.changed or report.removed or report.failed)


def _show(report: IngestReport) -> None:
    out = console()
    counts = [
        ("added", len(report.added)),
        ("changed", len(report.changed)),
        ("removed", len(report.removed)),
        ("unchanged", len(report.unchanged)),
        ("failed", len(report.failed)),
        ("skipped", len(report.skipped)),
        ("read in part", len({note.path for note in report.notes})),
        ("passages written", report.passages),
    ]
    out.print(table(("documents", report.collection), counts))
    rate = report.passages / report.seconds if report.seconds else 0.0
    out.print(f"{report.seconds:.1f} s, {rate:.0f} passages a second")


def _show_unread(report: IngestReport, locale: str) -> None:
    """What failed first, then what was read in part, then what was skipped."""
    failed = [f"{file.path}: {file.cause} {file.remedy}" for file in report.failed]
    notes = [f"{note.path}: {note_text(note, locale)}" for note in report.notes]
    skipped = [f"{file.path}: {file.cause} {file.remedy}" for file in report.skipped]
    for lines in (failed, notes, skipped):
        for line in lines[:_MOST_SHOWN]:
            console().print(plain(line), style="yellow", soft_wrap=True)
        if len(lines) > _MOST_SHOWN:
            console().print(f"… and {len(lines) - _MOST_SHOWN} more; --json lists all.")
