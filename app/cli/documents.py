"""`domainqa documents`: list, show and delete the documents of a collection."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import console, messages, plain, size, table, write_json
from app.cli.state import Collection, Home, Json, State, listing_group, remember

Document = Annotated[
    str, typer.Argument(metavar="DOCUMENT", help="Path of the document, as `documents list` shows it.")
]


def _list(state: State, as_json: bool) -> None:
    settings = state.settings()
    with state.open(settings) as workspace:
        found = workspace.documents(settings.collection)
    if as_json:
        from app.schema import entry_of

        write_json([entry_of(entry, local=True) for entry in found])
        return
    rows = [(entry.path, entry.passages, size(entry.size), entry.modified, entry.title) for entry in found]
    console().print(table(("document", "passages", "size", "modified", "title"), rows))
    messages().print(f"{len(found)} documents in {settings.collection}", markup=False)


group = listing_group(
    _list,
    """List, show and delete documents. Without a subcommand, list them.

\b
Example:
  domainqa documents --collection bank
""",
    """List the documents of a collection.

--json prints a list of the objects that GET /v1/collections/NAME/documents gives.

\b
Example:
  domainqa documents list --json
""",
    of_collection=True,
)


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
        from app.schema import text_of

        write_json(text_of(found, local=True))
        return
    messages().print(f"{found.path}: {found.title}, {len(found.passages)} passages", markup=False)
    for note in found.notes:
        messages().print(plain(note.text(settings.locale)), style="yellow", soft_wrap=True)
    console().print(plain(found.text), soft_wrap=True)


@group.command()
def delete(ctx: typer.Context, document: Document, home: Home = None, collection: Collection = None) -> None:
    """Delete a document from a collection. The next ingest of its folder adds it again.

    \b
    Example:
      domainqa documents delete en/fees-2025.xlsx
    """
    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        workspace.delete_document(settings.collection, document)
    messages().print(f"Deleted {document}.", markup=False)
