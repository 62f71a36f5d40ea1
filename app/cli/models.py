"""`domainqa models`: list the packaged models, and unpack them before they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, size, table, write_json
from app.cli.progress import Bars
from app.cli.state import Home, State, listing_group, remember
from knowledge_base.errors import NotFoundError

if TYPE_CHECKING:
    from retrieval.models import PackagedModel


def _list(state: State, as_json: bool) -> None:
    from app.schema import PackagedModel
    from retrieval.models import is_installed, is_unpacked

    cache = state.settings().models_cache
    found = [
        PackagedModel(
            name=model.name,
            installed=is_installed(model),
            prepared=is_unpacked(model, cache),
            size_bytes=model.size,
            licence=model.licence,
            folder=str(model.folder(cache)),
        )
        for model in _named(None)
    ]
    if as_json:
        write_json(found)
        return
    rows = [
        (one.name, _yes(one.installed), _yes(one.prepared), size(one.size_bytes), one.licence)
        for one in found
    ]
    console().print(table(("model", "installed", "prepared", "size", "licence"), rows))
    messages().print(f"Folder: {cache}", markup=False)


group = listing_group(
    _list,
    """List and prepare the packaged models. Without a subcommand, list them.

\b
Example:
  domainqa models
  domainqa models prepare
""",
    """List the packaged models with state, size and licence.

\b
Example:
  domainqa models list --json
""",
)


@group.command()
def prepare(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Models to prepare [all].")
    ] = None,
    home: Home = None,
) -> None:
    """Check the packaged models and unpack them into ordinary folders, once.

    Otherwise this happens when a model is first used. Prints each folder on standard output and the
    notices that the models' licences ask for on standard error.

    \b
    Example:
      domainqa models prepare
      domainqa models prepare gemma-3-270m
    """
    from retrieval.models import unpack

    cache = remember(ctx, home).settings().models_cache
    for model in _named(names):
        with Bars() as bars:
            folder = unpack(model, cache, bars.show)
        if model.notice:
            messages().print(f"{model.name}: {model.notice.strip()}", markup=False)
        typer.echo(str(folder))


def _named(names: list[str] | None) -> list[PackagedModel]:
    from app.factories import PACKAGED

    by_name = {model.name: model for model in PACKAGED}
    unknown = [name for name in names or () if name not in by_name]
    if unknown:
        cause = f"There is no packaged model named {', '.join(unknown)}."
        raise NotFoundError(cause, f"The packaged models are {', '.join(by_name)}.")
    return [by_name[name] for name in names or by_name]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
