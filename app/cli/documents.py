"""`domainqa documents`: list, show and delete the documents of a collection."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import console, messages, note_text, plain, size, table
from app.cli.state import Collection, Home, Json, NoServer, State, listing_group, remember
from knowledge_base.errors import StorageError

Document = Annotated[
    str, typer.Argument(metavar="DOCUMENT", help="Path of the document, as `documents list` shows it.")
]


def _list(state: State, as_json: bool) -> None:
    with state.calls() as calls:
        found = calls.do("documents.catalogue", collection=calls.collection)
        if as_json:
            typer.echo(found.text)
            return
        rows = [(d.document, d.passages, size(d.size), d.modified, d.title) for d in found.value]
        console().print(table(("document", "passages", "size", "modified", "title"), rows))
        messages().print(f"{len(rows)} documents in {calls.collection}", markup=False)


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
    no_server: NoServer = False,
) -> None:
    """Show the text that was read from a document, and what was left out.

    \b
    Example:
      domainqa documents show en/fees-2026.xlsx
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        found = calls.do("documents.show", collection=calls.collection, document=document)
        if as_json:
            typer.echo(found.text)
            return
        told, locale = found.value, calls.usual.locale
    messages().print(f"{told.document}: {told.title}, {len(told.places)} passages", markup=False)
    for note in told.notes:
        messages().print(plain(note_text(note, locale)), style="yellow", soft_wrap=True)
    console().print(plain(told.text), soft_wrap=True)


@group.command()
def delete(
    ctx: typer.Context,
    document: Document,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Delete a document from a collection. The next ingest of its folder adds it again.

    \b
    Example:
      domainqa documents delete en/fees-2025.xlsx
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        calls.do("documents.delete", collection=calls.collection, document=document)
    messages().print(f"Deleted {document}.", markup=False)


@group.command("verify-deleted")
def verify_deleted(
    ctx: typer.Context,
    document: Document,
    texts: Annotated[
        list[str] | None,
        typer.Option("--text", metavar="TEXT", help="A sentence of the document to look for; repeatable."),
    ] = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Check that nothing of a deleted document is left in the home folder.

    It searches every file for the path of the document and for each --text, including free pages of
    databases and members of archives. The exit code is 8 if it finds something. It also lists
    question–answer pairs, retrainings and exported archives that contain it: delete those yourself if they
    must go.

    \b
    Example:
      domainqa documents verify-deleted en/fees-2025.xlsx --text "The fee is 680 yuan."
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        found = calls.do(
            "documents.traces", collection=calls.collection, document=document, texts=texts or []
        )
    if as_json:
        typer.echo(found.text)
    else:
        console().print(table(("file", "holds"), [(one.file, one.text) for one in found.value]))
    if found.value:
        raise StorageError(
            f"Something of {document} is left in {len({one.file for one in found.value})} files.",
            "Remove pairs with `domainqa pairs`, retrainings in the folder runs, and restart the server.",
        )
    messages().print(f"Nothing of {document} is left.", markup=False)
