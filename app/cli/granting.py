"""What `domainqa keys` and `domainqa users` share: roles, collections, and where both are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.state import State

if TYPE_CHECKING:
    from app.access.store import AccessStore

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
    typer.Option(
        "--collection",
        "-c",
        metavar="NAME",
        help="Limit the key or user to this collection; repeatable [all].",
    ),
]


def open_store(state: State) -> AccessStore:
    """The keys and users of the home folder."""
    from app.access.store import AccessStore

    return AccessStore(state.settings().home)


def listed(collections: tuple[str, ...] | None) -> str:
    """Collections as a table shows them."""
    return "all" if collections is None else ", ".join(collections)
