"""`domainqa adapters`: list, promote, roll back, import and export adapter versions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, table
from app.cli.state import Home, Json, NoServer, State, listing_group, remember
from knowledge_base.errors import InputError, ModelError

if TYPE_CHECKING:
    from finetune.registry.registry import Aliases

NamedVersion = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="One version, such as bank@3.")]
Adapter = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="The live version of an adapter, or one version.")
]


def _list(state: State, as_json: bool) -> None:
    with state.calls() as calls:
        reply = calls.do("adapters.catalogue")
    if as_json:
        typer.echo(reply.text)
    elif found := reply.value:
        rows = [(v.adapter, v.state or "", v.created or "", v.base or "", v.verdict or "") for v in found]
        console().print(table(("adapter", "state", "created", "base", "verdict"), rows))
    else:
        hint = "There are no adapters yet. Import one: domainqa adapters import FOLDER --name NAME"
        messages().print(hint, soft_wrap=True)


group = listing_group(
    _list,
    """List, promote, roll back, import and export adapters. Without a subcommand, list them.

Each retraining or import creates a new version. The live version of an adapter answers; a promotion or a
rollback takes effect with the next question, also on a running server.

\b
Example:
  domainqa adapters
  domainqa adapters promote bank@3
""",
    """List all versions with state, base model and verdict.

\b
Example:
  domainqa adapters list --json
""",
    served=True,
)


@group.command()
def show(
    ctx: typer.Context,
    adapter: Adapter,
    as_json: Json = False,
    home: Home = None,
    no_server: NoServer = False,
) -> None:
    """Show how a version was made: base model, data, settings, figures and verdict.

    --json prints its whole manifest; for a folder that has none, null.

    \b
    Example:
      domainqa adapters show bank
      domainqa adapters show bank@3 --json
    """
    rows: list[Sequence[str]] = []
    with remember(ctx, home, alone=no_server).calls() as calls:
        reply = calls.do("adapters.show", lambda _kind, told: rows.extend(told), adapter=adapter)
    if as_json:
        typer.echo(reply.text)
        return
    console().print(table(("what", "value"), rows))


@group.command()
def promote(
    ctx: typer.Context, adapter: NamedVersion, home: Home = None, no_server: NoServer = False
) -> None:
    """Make a version live after verifying its files.

    \b
    Example:
      domainqa adapters promote bank@3
    """
    name, version = _numbered(adapter)
    with remember(ctx, home, alone=no_server).calls() as calls:
        _say_live(name, calls.do("adapters.promote", name=name, version=version).value)


@group.command()
def rollback(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The adapter.")],
    home: Home = None,
    no_server: NoServer = False,
) -> None:
    """Make the previous version live again.

    If there is no previous version, `reader` answers, or the base model without an adapter. A second rollback
    undoes the first.

    \b
    Example:
      domainqa adapters rollback bank
    """
    with remember(ctx, home, alone=no_server).calls() as calls:
        _say_live(name, calls.do("adapters.roll_back", name=name).value)


@group.command("import")
def import_(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A LoRA adapter as PEFT saves it.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Adapter that gets the new version.")],
    home: Home = None,
    no_server: NoServer = False,
) -> None:
    """Import a PEFT folder with safetensors weights as a new version, and print its name.

    It answers only after it is promoted.

    \b
    Example:
      domainqa adapters import ~/lora-out --name bank
    """
    with remember(ctx, home, alone=no_server).calls() as calls:
        number = calls.do("adapters.import_folder", name=name, folder=str(folder.absolute())).value
    typer.echo(f"{name}@{number}")
    messages().print(f"Make it live: domainqa adapters promote {name}@{number}", markup=False)


@group.command()
def export(
    ctx: typer.Context,
    adapter: Adapter,
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="Folder or .zip file to write; it must not exist.")
    ],
    home: Home = None,
    no_server: NoServer = False,
) -> None:
    """Copy a version into an ordinary PEFT folder, which PEFT, vLLM and `import` can read.

    \b
    Example:
      domainqa adapters export bank ~/bank-adapter
      domainqa adapters export bank@3 bank-3.zip
    """
    with remember(ctx, home, alone=no_server).calls() as calls:
        reference = calls.do("adapters.export", adapter=adapter, target=str(target.absolute())).value
    messages().print(f"Exported {reference} to {target}.", markup=False)


@group.command()
def merge(
    ctx: typer.Context,
    adapter: Adapter,
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write; it must not exist.")],
    home: Home = None,
) -> None:
    """Merge base model and adapter into one model folder, for programs without adapters.

    The result is verified before the folder appears.

    \b
    Example:
      domainqa adapters merge bank /models/gemma-bank
    """
    from app.adapters import open_registry
    from app.factories import model_folder
    from finetune.training.saving import merge as merge_into

    settings = remember(ctx, home).settings()
    entry = open_registry(settings).find(adapter)
    merge_into(model_folder(settings.generator, settings.models_cache), entry.folder, target)
    messages().print(f"Merged {entry.reference} into {target}.", markup=False)


@group.command()
def remove(ctx: typer.Context, adapter: NamedVersion, home: Home = None, no_server: NoServer = False) -> None:
    """Delete a version that is not live. Its number is not used again.

    \b
    Example:
      domainqa adapters remove bank@2
    """
    name, version = _numbered(adapter)
    with remember(ctx, home, alone=no_server).calls() as calls:
        calls.do("adapters.remove", name=name, version=version)
    messages().print(f"Removed {name}@{version}.", markup=False)


@group.command()
def verify(ctx: typer.Context, home: Home = None, no_server: NoServer = False) -> None:
    """Compare the files of all versions with the SHA-256 from when they were registered.

    \b
    Example:
      domainqa adapters verify
    """
    with remember(ctx, home, alone=no_server).calls() as calls:
        problems = calls.do("adapters.verify", _tell_verified).value
    if problems:
        raise ModelError(
            f"These adapters are damaged: {', '.join(problems)}.",
            "Import them again from copies, or remove them.",
        )


def _tell_verified(_kind: str, told: tuple[str, str]) -> None:
    reference, problem = told
    typer.echo(f"{reference}: {problem or 'ok'}")


def _numbered(text: str) -> tuple[str, int]:
    from answering.references import parse_reference

    reference = parse_reference(text)
    if not isinstance(reference.version, int):
        raise InputError(f"{text} does not name a version.", f"Name one, such as {reference.name}@3.")
    return reference.name, reference.version


def _say_live(name: str, aliases: Aliases) -> None:
    live = f"{name}@{aliases.live} is live" if aliases.live else f"No version of {name} is live"
    before = (
        f"{name}@{aliases.previous} was live before" if aliases.previous else "there is no previous version"
    )
    typer.echo(f"{live}; {before}.")
