"""`domainqa ingest`: a folder becomes a collection."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.output import console, messages, plain, table, write_json
from app.cli.progress import IngestBar
from app.cli.state import Collection, Home, Json, remember
from knowledge_base.errors import BusyError, LoadError

if TYPE_CHECKING:
    from app.settings import Settings
    from app.workspace import Workspace
    from knowledge_base.ingest import Report
    from knowledge_base.notes import Language

_MOST_SHOWN = 50


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
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Update a collection from a folder: add, replace and remove documents.

    Unchanged files are not read again. Files of unknown formats, and files that could not be read or only in
    part, are listed with the reason; all others are ingested. --json prints the report (docs/api.md); with
    --watch, one line for each run. The exit code is 5 if a file could not be read, or if the folder contains
    files and none of them could be read.

    \b
    Example:
      domainqa ingest samples/bank
      domainqa ingest ~/handbook --collection staff --watch
    """
    state = remember(ctx, home, collection)
    settings = state.settings({"ocr": ocr})
    with state.open(settings) as workspace:
        report = bring_in_step(workspace, folder, settings.collection, rebuild=rebuild)
        tell(report, settings, as_json)
        if watch:
            messages().print(f"Watching {folder}. Press Ctrl-C to stop.", markup=False)
            _keep_watching(workspace, folder, settings, as_json)
    if report.failed or report.is_unreadable:
        raise typer.Exit(LoadError.exit_code)


def bring_in_step(workspace: Workspace, folder: Path, collection: str, *, rebuild: bool = False) -> Report:
    """Ingest with a bar."""
    with IngestBar(f"Ingesting {folder}") as bar:
        return workspace.ingest(folder, collection, progress=bar, rebuild=rebuild)


def tell(report: Report, settings: Settings, as_json: bool = False) -> None:
    """Print what an ingest did, as a table or as one object."""
    if as_json:
        from app.schema import report_of

        write_json(report_of(report, settings.collection))
        return
    if _has_news(report):
        _show(report, settings.collection)
    elif report.is_unreadable:
        typer.echo(f"No file could be read; the folder has {len(report.skipped)} of other formats.")
    else:
        typer.echo(f"Nothing has changed: {len(report.unchanged)} documents in {settings.collection}.")
    _show_unread(report, settings.locale)


def _keep_watching(workspace: Workspace, folder: Path, settings: Settings, as_json: bool) -> None:
    from knowledge_base.watch import watch

    def again() -> None:
        try:
            report = bring_in_step(workspace, folder, settings.collection)
        except BusyError as error:
            messages().print(f"{error} The next change tries again.", style="yellow", markup=False)
            return
        if _has_news(report):
            tell(report, settings, as_json)

    watch(folder, again, threading.Event())


def _has_news(report: Report) -> bool:
    return bool(report.added or report.changed or report.removed or report.failed)


def _show(report: Report, collection: str) -> None:
    out = console()
    counts = [
        ("added", len(report.added)),
        ("changed", len(report.changed)),
        ("removed", len(report.removed)),
        ("unchanged", len(report.unchanged)),
        ("failed", len(report.failed)),
        ("skipped", len(report.skipped)),
        ("read in part", len(report.notes)),
        ("passages written", report.passages),
    ]
    out.print(table(("documents", collection), counts))
    rate = report.passages / report.seconds if report.seconds else 0.0
    out.print(f"{report.seconds:.1f} s, {rate:.0f} passages a second")


def _show_unread(report: Report, language: Language) -> None:
    """What failed first, then what was read in part, then what was skipped."""
    failed = [f"{file.path}: {file.cause} {file.remedy}" for file in report.failed]
    notes = [f"{path}: {note.text(language)}" for path, notes in report.notes.items() for note in notes]
    skipped = [f"{file.path}: {file.cause} {file.remedy}" for file in report.skipped]
    for lines in (failed, notes, skipped):
        for line in lines[:_MOST_SHOWN]:
            console().print(plain(line), style="yellow", soft_wrap=True)
        if len(lines) > _MOST_SHOWN:
            console().print(f"… and {len(lines) - _MOST_SHOWN} more; --json lists all.")
