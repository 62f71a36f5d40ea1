"""`domainqa keys` and `domainqa users`: keys for programs, and people who log in to the page."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, table, write_json
from app.cli.state import Home, State, listing_group, remember

if TYPE_CHECKING:
    from app.access.store import AccessStore
    from app.access.values import Grant

Key = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key.")]
User = Annotated[str, typer.Argument(metavar="NAME", help="Name that the user logs in with.")]
Role = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="reader (asks questions), editor (also changes documents) or admin (everything).",
    ),
]
Collections = Annotated[
    list[str] | None,
    typer.Option("--collection", "-c", metavar="NAME", help="Permit only this collection; repeatable [all]."),
]


def _list_keys(state: State, as_json: bool) -> None:
    found = _store(state).keys.list()
    if as_json:
        from app import schema

        write_json([schema.Key.model_validate(key) for key in found])
        return
    rows = [
        (k.name, f"dq_{k.prefix}", k.role, _names(k.collections), k.created, k.last_used or "never")
        for k in found
    ]
    headings = ("key", "begins with", "role", "collections", "created", "last used")
    _show(headings, rows, "There are no keys yet. Create one: domainqa keys create NAME")


def _list_users(state: State, as_json: bool) -> None:
    found = _store(state).users.list()
    if as_json:
        from app import schema

        write_json([schema.User.model_validate(user) for user in found])
        return
    rows = [(u.name, u.role, _names(u.collections), u.created, u.last_login or "never") for u in found]
    headings = ("user", "role", "collections", "created", "last log-in")
    _show(headings, rows, "There are no users yet. Add one: domainqa users add NAME")


keys = listing_group(
    _list_keys,
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

users = listing_group(
    _list_users,
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


@keys.command()
def create(
    ctx: typer.Context, name: Key, role: Role = "reader", collections: Collections = None, home: Home = None
) -> None:
    """Create a key and print it once. Programs send it as "Authorization: Bearer KEY".

    \b
    Example:
      domainqa keys create website
      domainqa keys create importer --role editor --collection staff --collection fees
    """
    from app.access.values import grant

    granted = grant(role, collections or ())
    with _changing(ctx, home, "keys.create", name, granted) as store:
        text = store.keys.create(name, granted)
    typer.echo(text)
    messages().print("Save it now: it cannot be shown again.")


@keys.command()
def revoke(ctx: typer.Context, name: Key, home: Home = None) -> None:
    """Revoke a key. A running server refuses it from the next request on.

    \b
    Example:
      domainqa keys revoke website
    """
    with _changing(ctx, home, "keys.revoke", name) as store:
        store.keys.revoke(name)
    messages().print(f"Revoked the key {name}.", markup=False)


@users.command()
def add(
    ctx: typer.Context, name: User, role: Role = "reader", collections: Collections = None, home: Home = None
) -> None:
    """Add a user. The password is asked for twice, or read as one line of standard input.

    \b
    Example:
      domainqa users add li --role editor --collection bank
    """
    from app.access.values import checked_name, grant

    granted = grant(role, collections or ())
    with _changing(ctx, home, "users.add", checked_name(name), granted) as store:
        store.users.add(name, _password(), granted)
    messages().print(f"Added the user {name}.", markup=False)


@users.command()
def password(ctx: typer.Context, name: User, home: Home = None) -> None:
    """Change a user's password and end all sessions of that user.

    \b
    Example:
      domainqa users password li
    """
    with _changing(ctx, home, "users.password", name) as store:
        store.users.change_password(name, _password())
    messages().print(f"{name} has a new password.", markup=False)


@users.command()
def remove(ctx: typer.Context, name: User, home: Home = None) -> None:
    """Remove a user and end all sessions of that user.

    \b
    Example:
      domainqa users remove li
    """
    with _changing(ctx, home, "users.remove", name) as store:
        store.users.remove(name)
    messages().print(f"Removed the user {name}.", markup=False)


def _store(state: State) -> AccessStore:
    from app.access.store import AccessStore

    return AccessStore(state.settings().home)


@contextmanager
def _changing(
    ctx: typer.Context, home: Path | None, act: str, name: str, granted: Grant | None = None
) -> Iterator[AccessStore]:
    """Keys and users, with a line in the audit log of who gave or took which access."""
    from app.audit import noted, owner

    state = remember(ctx, home)
    given = {"role": granted.role, "collections": _names(granted.collections)} if granted else {}
    with noted(state.settings().home, owner(), act, {"name": name, **given}):
        yield _store(state)


def _names(collections: tuple[str, ...] | None) -> str:
    return "all" if collections is None else ", ".join(collections)


def _show(headings: Sequence[str], rows: Sequence[Sequence[str]], hint: str) -> None:
    if rows:
        console().print(table(headings, rows))
    else:
        messages().print(hint)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))
    return sys.stdin.readline().rstrip("\r\n")
