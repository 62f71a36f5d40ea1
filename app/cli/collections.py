"""`domainqa collections`: list, create, delete, export and import collections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.cli.output import console, messages, size, table, write_json
from app.cli.progress import Bars
from app.cli.state import Home, State, listing_group, remember

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the collection.")]


def _list(state: State, as_json: bool) -> None:
    with state.open(state.settings()) as workspace:
        found = workspace.collections()
    if as_json:
        from app.schema import Collection

        write_json([Collection.model_validate(info) for info in found])
    elif found:
        headings = ("collection", "documents", "passages", "size", "embedder")
        rows = [(one.name, one.documents, one.passages, size(one.size_bytes), one.embedder) for one in found]
        console().print(table(headings, rows))
        for one in found:
            if one.problem:
                messages().print(f"[red]{escape(one.name)}:[/red] {escape(one.problem)}")
    else:
        messages().print("There are no collections yet. Create one: domainqa ingest FOLDER")


group = listing_group(
    _list,
    """List, create, delete, export and import collections. Without a subcommand, list them.

\b
Example:
  domainqa collections
  domainqa collections create staff
""",
    """List the collections with their sizes.

\b
Example:
  domainqa collections list --json
""",
)


@group.command()
def create(ctx: typer.Context, name: Name, home: Home = None) -> None:
    """Create an empty collection; `ingest` also creates a missing one.

    \b
    Example:
      domainqa collections create staff
    """
    state = remember(ctx, home)
    with state.open(state.settings()) as workspace:
        workspace.create_collection(name)
    messages().print(f"Created collection {name}.", markup=False)


@group.command()
def delete(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    home: Home = None,
) -> None:
    """Delete a collection and everything in it; the ingested folders are not changed.

    \b
    Example:
      domainqa collections delete staff --yes
    """
    state = remember(ctx, home)
    if not yes:
        typer.confirm(f"Delete collection {name} with all its documents?", abort=True, err=True)
    with state.open(state.settings()) as workspace:
        workspace.delete_collection(name)
    messages().print(f"Deleted collection {name}.", markup=False)


@group.command()
def export(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive to write; it must not exist.")],
    home: Home = None,
) -> None:
    """Write a collection into one archive: documents, passages, vectors and uploaded files.

    `import` restores it on any machine, in a home folder or in Elasticsearch, without computing vectors anew.

    \b
    Example:
      domainqa collections export bank bank.zip
    """
    from app.factories import open_collections
    from retrieval.archive import export_collection

    collections = open_collections(remember(ctx, home).settings())
    with Bars() as bars:
        manifest = export_collection(collections, name, file, bars.show)
    counts = f"{manifest.documents} documents, {manifest.passages} passages"
    messages().print(f"Exported {name} to {file}: {counts}.", markup=False, soft_wrap=True)


@group.command("import")
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive written by `export`.")],
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Name of the new collection [that in the archive]."),
    ] = None,
    home: Home = None,
) -> None:
    """Create a collection from an archive.

    The archive is checked first; a damaged one changes nothing.

    \b
    Example:
      domainqa collections import bank.zip
      domainqa collections import bank.zip --as bank-2026
    """
    from app.factories import open_collections
    from retrieval.archive import import_collection

    collections = open_collections(remember(ctx, home).settings())
    with Bars() as bars:
        manifest = import_collection(collections, file, name, bars.show)
    counts = f"{manifest.documents} documents, {manifest.passages} passages"
    messages().print(
        f"Imported {name or manifest.collection} from {file}: {counts}.", markup=False, soft_wrap=True
    )
