"""`domainqa mcp`: the documents for an assistant on this machine."""

from __future__ import annotations

import typer

from app.cli.state import Collection, Home, remember


def mcp(ctx: typer.Context, home: Home = None, collection: Collection = None) -> None:
    """Offer the documents to an assistant over the Model Context Protocol, on standard input and output.

    The assistant's program starts this command. `domainqa serve` offers the same tools at /mcp over HTTP.

    \b
    Example:
      {"mcpServers": {"domainqa": {"command": "domainqa", "args": ["mcp", "--collection", "policies"]}}}
    """
    from app.access.values import LOCAL
    from app.mcp import mcp_server
    from app.session import Session

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        mcp_server(lambda _: Session(workspace, LOCAL), settings.collection).run("stdio")
