"""`domainqa collections`: list, create, delete, export and import collections."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.cli.output import console, messages, size, table
from app.cli.progress import Bars
from app.cli.state import Home, NoServer, State, listing_group, remember

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the collection.")]


def _list(state: State, as_json: bool) -> None:
    with state.calls() as calls:
        reply = calls.do("collections.catalogue")
    if as_json:
        typer.echo(reply.text)
    elif found := reply.value:
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
    served=True,
)


@group.command()
def create(ctx: typer.Context, name: Name, home: Home = None, no_server: NoServer = False) -> None:
    """Create an empty collection; `ingest` also creates a missing one.

    \b
    Example:
      domainqa collections create staff
    """
    with remember(ctx, home, alone=no_server).calls() as calls:
        calls.do("collections.create", name=name)
    messages().print(f"Created collection {name}.", markup=False)


@group.command()
def delete(
    ctx: typer.Context,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    home: Home = None,
    no_server: NoServer = False,
) -> None:
    """Delete a collection and everything in it; the ingested folders are not changed.

    \b
    Example:
      domainqa collections delete staff --yes
    """
    if not yes:
        typer.confirm(f"Delete collection {name} with all its documents?", abort=True, err=True)
    with remember(ctx, home, alone=no_server).calls() as calls:
        calls.do("collections.delete", name=name)
    messages().print(f"Deleted collection {name}.", markup=False)


@group.command()
def export(
    ctx: typer.Context,
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Archive to write; it must not exist.")],
    home: Home = None,
    no_server: NoServer = False,
) -> None:
    """Write a collection into one archive: documents, passages, vectors and uploaded files.

    `import` restores it on any machine, in a home folder or in Elasticsearch, without computing vectors anew.

    \b
    Example:
      domainqa collections export bank bank.zip
    """
    with remember(ctx, home, alone=no_server).calls() as calls, Bars() as bars:
        place = str(file.absolute())
        manifest = calls.do("collections.export", bars.hear, name=name, file=place).value
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
    no_server: NoServer = False,
) -> None:
    """Create a collection from an archive.

    The archive is checked first; a damaged one changes nothing.

    \b
    Example:
      domainqa collections import bank.zip
      domainqa collections import bank.zip --as bank-2026
    """
    with remember(ctx, home, alone=no_server).calls() as calls, Bars() as bars:
        place = str(file.absolute())
        manifest = calls.do("collections.import_archive", bars.hear, file=place, name=name).value
    counts = f"{manifest.documents} documents, {manifest.passages} passages"
    messages().print(
        f"Imported {name or manifest.collection} from {file}: {counts}.", markup=False, soft_wrap=True
    )
