"""What commands share: options before or after their name, the home, and groups that list by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.cli.calls import Calls
    from app.settings import Settings
    from app.workspace import Workspace

Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Folder that holds collections, adapters, users and keys [~/.local/share/domainqa].",
    ),
]
Collection = Annotated[
    str | None, typer.Option("--collection", "-c", metavar="NAME", help="Collection to use [bank].")
]
NoServer = Annotated[
    bool, typer.Option("--no-server", help="Work in this process, even if a server runs on the home.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else.")]


def open_workspace(settings: Settings) -> Workspace:
    """The real workspace; what it needs is imported only here, since that takes seconds."""
    from app.workspace import Workspace

    return Workspace(settings)


@dataclass(frozen=True, slots=True)
class State:
    """Options given so far, and how to open a workspace; `alone` leaves out a server that runs."""

    home: Path | None = None
    collection: str | None = None
    alone: bool = False
    open: Callable[[Settings], Workspace] = open_workspace

    def settings(self, more: Mapping[str, object] | None = None) -> Settings:
        """All settings under these options and `more` of them; raises SettingsError."""
        from app.settings import load_settings

        return load_settings({"home": self.home, "collection": self.collection, **(more or {})})

    def calls(self) -> Calls:
        """The home under these options."""
        from app.cli.calls import Calls

        return Calls(self)


def remember(
    ctx: typer.Context, home: Path | None, collection: str | None = None, alone: bool = False
) -> State:
    """Note options for the commands below; what stands nearer to the command wins."""
    known = ctx.obj if isinstance(ctx.obj, State) else State()
    state = replace(
        known,
        home=home or known.home,
        collection=collection or known.collection,
        alone=alone or known.alone,
    )
    ctx.obj = state
    return state


def listing_group(
    listing: Callable[[State, bool], None],
    text: str,
    list_text: str,
    *,
    of_collection: bool = False,
    served: bool = False,
) -> typer.Typer:
    """A group of commands that lists when it is called without a further word.

    Args:
        listing: prints the list, as JSON if its second argument says so.
        text: help of the group.
        list_text: help of its command `list`.
        of_collection: whether the list is that of one collection, made by a server if one runs on the home,
            so that --collection and --no-server are options of both.
        served: whether such a server makes the list of the home, so that --no-server is an option of both.
    """

    def of_home(ctx: typer.Context, as_json: Json = False, home: Home = None) -> None:
        _list_unless_followed(ctx, remember(ctx, home), as_json)

    def of_served_home(
        ctx: typer.Context, as_json: Json = False, home: Home = None, no_server: NoServer = False
    ) -> None:
        _list_unless_followed(ctx, remember(ctx, home, alone=no_server), as_json)

    def of_one(
        ctx: typer.Context,
        as_json: Json = False,
        home: Home = None,
        collection: Collection = None,
        no_server: NoServer = False,
    ) -> None:
        _list_unless_followed(ctx, remember(ctx, home, collection, no_server), as_json)

    def _list_unless_followed(ctx: typer.Context, state: State, as_json: bool) -> None:
        if ctx.invoked_subcommand is None:
            listing(state, as_json)

    group = typer.Typer(rich_markup_mode=None)
    command = of_one if of_collection else of_served_home if served else of_home
    group.callback(invoke_without_command=True, help=text)(command)
    group.command("list", help=list_text)(command)
    return group
