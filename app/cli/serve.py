"""`domainqa serve`: the page."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import messages
from app.cli.state import Collection, Home, remember


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where to listen [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(metavar="NUMBER", help="Port [a free one].")] = None,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Start the page and print its address; Ctrl-C ends it.

    \b
    Example:
      domainqa serve
      domainqa serve --port 7860
    """
    from app.server import serve as run

    state = remember(ctx, home, collection)
    settings = state.settings({"host": host, "port": port})
    with state.open(settings) as workspace:
        workspace.warm_up()
        run(workspace, settings, ready=_tell)


def _tell(address: str) -> None:
    typer.echo(f"domainqa is ready: {address}")
    messages().print("Ctrl-C ends it.")
