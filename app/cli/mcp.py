"""`domainqa mcp`: the documents for an assistant on this machine."""

from __future__ import annotations

import typer

from app.cli.state import Collection, Home, remember


def mcp(ctx: typer.Context, home: Home = None, collection: Collection = None) -> None:
    """Serve the documents to an assistant over the Model Context Protocol (MCP).

    The assistant starts this command and communicates with it over standard input and output. `domainqa
    serve` offers the same tools over HTTP at /mcp.

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
        mcp_server(lambda _: Session(workspace, LOCAL), settings).run("stdio")
