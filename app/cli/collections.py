"""`domainqa collections`: list, create and delete collections."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import console, messages, size, table, write_json
from app.cli.shapes import collection_shape
from app.cli.state import Home, Json, State, remember

group = typer.Typer(rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The collection's name.")]


@group.callback(invoke_without_command=True)
def default(ctx: typer.Context, as_json: Json = False, home: Home = None) -> None:
    """List, create and delete collections; without a further word, list them.

    \b
    Example:
      domainqa collections
      domainqa collections create staff
    """
    state = remember(ctx, home)
    if ctx.invoked_subcommand is None:
        _list(state, as_json)


@group.command("list")
def list_(ctx: typer.Context, as_json: Json = False, home: Home = None) -> None:
    """List the collections with their sizes.

    \b
    Example:
      domainqa collections list --json
    """
    _list(remember(ctx, home), as_json)


@group.command()
def create(ctx: typer.Context, name: Name, home: Home = None) -> None:
    """Create an empty collection; `ingest` also creates one where it is missing.

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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Delete a collection with everything in it; the ingested folders stay as they are.

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


def _list(state: State, as_json: bool) -> None:
    with state.open(state.settings()) as workspace:
        found = workspace.collections()
    if as_json:
        write_json([collection_shape(info) for info in found])
    elif found:
        headings = ("collection", "documents", "passages", "size", "embedder")
        rows = [(one.name, one.documents, one.passages, size(one.size_bytes), one.embedder) for one in found]
        console().print(table(headings, rows))
    else:
        messages().print("There are no collections yet. Make one: domainqa ingest FOLDER")
