"""`domainqa keys`: keys for programs."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.granting import Collections, Role, listed, open_store
from app.cli.output import console, messages, table, write_json
from app.cli.state import Home, State, listing_group, remember

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.")]


def _list(state: State, as_json: bool) -> None:
    found = open_store(state).keys.list()
    if as_json:
        from app.schema import Key

        write_json([Key.model_validate(key) for key in found])
    elif found:
        headings = ("key", "begins with", "role", "collections", "created", "last used")
        rows = [
            (
                key.name,
                f"dq_{key.prefix}",
                key.role,
                listed(key.collections),
                key.created,
                key.last_used or "never",
            )
            for key in found
        ]
        console().print(table(headings, rows))
    else:
        messages().print("There are no keys yet. Create one: domainqa keys create NAME")


group = listing_group(
    _list,
    """Create, list and revoke API keys. Without a subcommand, list them.

\b
Example:
  domainqa keys create website --role reader --collection bank
  domainqa keys
""",
    """List the keys by name, without their secrets.

\b
Example:
  domainqa keys list --json
""",
)


@group.command()
def create(
    ctx: typer.Context,
    name: Name,
    role: Role = "reader",
    collections: Collections = None,
    home: Home = None,
) -> None:
    """Create a key and print it once. Programs send it as "Authorization: Bearer KEY".

    \b
    Example:
      domainqa keys create website
      domainqa keys create importer --role editor --collection staff --collection fees
    """
    from app.access.values import grant

    text = open_store(remember(ctx, home)).keys.create(name, grant(role, collections or ()))
    typer.echo(text)
    messages().print("Save it now: it cannot be shown again.")


@group.command()
def revoke(ctx: typer.Context, name: Name, home: Home = None) -> None:
    """Revoke a key. A running server refuses it from the next request on.

    \b
    Example:
      domainqa keys revoke website
    """
    open_store(remember(ctx, home)).keys.revoke(name)
    messages().print(f"Revoked the key {name}.", markup=False)
