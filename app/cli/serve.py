"""`domainqa serve`: the page and the API."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.ingest import AllowRemoval, asking, tell
from app.cli.output import messages
from app.cli.progress import IngestBar
from app.cli.state import Collection, Home, remember

if TYPE_CHECKING:
    from knowledge_base.errors import DomainqaError


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address to listen on [127.0.0.1].")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Port to listen on [a free one].")
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--ingest", metavar="FOLDER", help="Update the collection from this folder before serving."
        ),
    ] = None,
    allow_removal: AllowRemoval = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Start the web page and the HTTP API, and print their address. Ctrl-C stops them.

    \b
    Example:
      domainqa serve
      domainqa serve --port 7860
      domainqa serve --ingest ~/handbook --collection staff
    """
    from app.schema import report_of
    from app.server import Server

    state = remember(ctx, home, collection)
    settings = state.settings({"host": host, "port": port})
    with state.open(settings) as workspace:
        server = Server(workspace, settings)

        def listening(address: str) -> None:
            messages().print(f"The page is at {address} and the models are being loaded. Ctrl-C stops both.")
            # Not before: loading the models would only delay the page.
            workspace.warm_up(partial(_tell_ready, address))

        if folder is not None:
            with IngestBar(f"Ingesting {folder}") as bar:
                bring = partial(workspace.ingest, folder, settings.collection, progress=bar)
                report = asking(lambda allowed: bring(allow_removal=allowed), allow_removal)
            tell(report_of(report, settings.collection), settings.locale)
        server.run(listening)
        if workspace.warming.locked():
            # Libraries that load models fail with a traceback while Python ends, and are not waited for.
            os._exit(0)


def _tell_ready(address: str, problem: DomainqaError | None) -> None:
    from app.log import write

    if problem is None:
        typer.echo(f"domainqa is ready: {address}")
    else:
        write("not ready", reason=str(problem))
