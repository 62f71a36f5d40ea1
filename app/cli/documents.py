"""`domainqa documents`: list, show and delete the documents of a collection."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import console, messages, plain, size, table, write_json
from app.cli.shapes import document_shape, entry_shape
from app.cli.state import Collection, Home, Json, State, remember

group = typer.Typer(rich_markup_mode=None)
Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Its path as `documents list` shows it.")]


@group.callback(invoke_without_command=True)
def default(
    ctx: typer.Context, as_json: Json = False, home: Home = None, collection: Collection = None
) -> None:
    """List, show and delete documents; without a further word, list them.

    \b
    Example:
      domainqa documents --collection bank
    """
    state = remember(ctx, home, collection)
    if ctx.invoked_subcommand is None:
        _list(state, as_json)


@group.command("list")
def list_(
    ctx: typer.Context, as_json: Json = False, home: Home = None, collection: Collection = None
) -> None:
    """List the documents of a collection.

    --json prints a list of {"document", "passages", "title", "format", "size", "modified", "source",
    "digest", "notes": [{"kind", "count", "pages", "name", "text"}]}; notes say what was not read.

    \b
    Example:
      domainqa documents list --json
    """
    _list(remember(ctx, home, collection), as_json)


@group.command()
def show(
    ctx: typer.Context,
    document: Document,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Show the text of a document as it was read, and what was not read of it.

    \b
    Example:
      domainqa documents show en/fees-2026.xlsx
    """
    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        found = workspace.document(settings.collection, document)
    if as_json:
        write_json(document_shape(found))
        return
    messages().print(f"{found.path}: {found.title}, {len(found.passages)} passages", markup=False)
    for note in found.notes:
        messages().print(plain(note.text(settings.told_in)), style="yellow", soft_wrap=True)
    console().print(plain(found.text), soft_wrap=True)


@group.command()
def delete(ctx: typer.Context, document: Document, home: Home = None, collection: Collection = None) -> None:
    """Delete a document from a collection; the next ingest of its folder brings it back.

    \b
    Example:
      domainqa documents delete en/fees-2025.xlsx
    """
    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        workspace.delete_document(settings.collection, document)
    messages().print(f"Deleted {document}.", markup=False)


def _list(state: State, as_json: bool) -> None:
    settings = state.settings()
    with state.open(settings) as workspace:
        found = workspace.documents(settings.collection)
    if as_json:
        write_json([entry_shape(entry) for entry in found])
        return
    rows = [(entry.path, entry.passages, size(entry.size), entry.modified, entry.title) for entry in found]
    console().print(table(("document", "passages", "size", "modified", "title"), rows))
    messages().print(f"{len(found)} documents in {settings.collection}", markup=False)
