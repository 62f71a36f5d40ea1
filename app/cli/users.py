"""`domainqa users`: people who log in to the page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from app.cli.granting import Collections, Role, listed, open_store
from app.cli.output import console, messages, table, write_json
from app.cli.state import Home, State, listing_group, remember

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name that the user logs in with.")]


def _list(state: State, as_json: bool) -> None:
    found = open_store(state).users.list()
    if as_json:
        from app.schema import User

        write_json([User.model_validate(user) for user in found])
    elif found:
        headings = ("user", "role", "collections", "created", "last log-in")
        rows = [
            (
                user.name,
                user.role,
                listed(user.collections),
                user.created,
                user.last_login or "never",
            )
            for user in found
        ]
        console().print(table(headings, rows))
    else:
        messages().print("There are no users yet. Add one: domainqa users add NAME")


group = listing_group(
    _list,
    """Add, list and remove users of the page. Without a subcommand, list them.

\b
Example:
  domainqa users add li --role editor
  domainqa users
""",
    """List the users by name.

\b
Example:
  domainqa users list --json
""",
)


@group.command()
def add(
    ctx: typer.Context,
    name: Name,
    role: Role = "reader",
    collections: Collections = None,
    home: Home = None,
) -> None:
    """Add a user. The password is asked for twice, or read as one line of standard input.

    \b
    Example:
      domainqa users add li --role editor --collection bank
    """
    from app.access.values import checked_name, grant

    store, granted = open_store(remember(ctx, home)), grant(role, collections or ())
    store.users.add(checked_name(name), _password(), granted)
    messages().print(f"Added the user {name}.", markup=False)


@group.command()
def password(ctx: typer.Context, name: Name, home: Home = None) -> None:
    """Change a user's password and end all sessions of that user.

    \b
    Example:
      domainqa users password li
    """
    open_store(remember(ctx, home)).users.change_password(name, _password())
    messages().print(f"{name} has a new password.", markup=False)


@group.command()
def remove(ctx: typer.Context, name: Name, home: Home = None) -> None:
    """Remove a user and end all sessions of that user.

    \b
    Example:
      domainqa users remove li
    """
    open_store(remember(ctx, home)).users.remove(name)
    messages().print(f"Removed the user {name}.", markup=False)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))
    return sys.stdin.readline().rstrip("\r\n")
