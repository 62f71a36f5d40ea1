"""`domainqa adapters`: list, promote, roll back, import and export adapter versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, table, write_json
from app.cli.state import Home, Json, State, listing_group, remember
from knowledge_base.errors import DomainqaError, InputError, ModelError

if TYPE_CHECKING:
    from app.training_schema import AdapterVersion
    from app.versions import Version
    from finetune.registry.entry import Entry
    from finetune.registry.manifest import Verdict
    from finetune.registry.registry import Registry
    from finetune.registry.versions import Aliases
    from retrieval.prompt import Language

NamedVersion = Annotated[str, typer.Argument(metavar="NAME@VERSION", help="One version, such as bank@3.")]
Adapter = Annotated[
    str, typer.Argument(metavar="NAME[@VERSION]", help="The live version of an adapter, or one version.")
]


def _list(state: State, as_json: bool) -> None:
    found = [_shape(version) for version in _versions(_registry(state))]
    if as_json:
        write_json(found)
    elif found:
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
)


@group.command()
def show(ctx: typer.Context, adapter: Adapter, as_json: Json = False, home: Home = None) -> None:
    """Show how a version was made: its base model, data, settings, seeds, measurements and verdict.

    --json prints its whole manifest; for a folder that has none, null.

    \b
    Example:
      domainqa adapters show bank
      domainqa adapters show bank@3 --json
    """
    state = remember(ctx, home)
    entry = _registry(state).find(adapter)
    if as_json:
        write_json(entry.manifest.model_dump(mode="json") if entry.manifest else None)
        return
    console().print(table(("what", "value"), _told(entry, state.settings().locale)))


@group.command()
def promote(ctx: typer.Context, adapter: NamedVersion, home: Home = None) -> None:
    """Make a version live after verifying its files.

    \b
    Example:
      domainqa adapters promote bank@3
    """
    name, version = _numbered(adapter)
    _say_live(name, _registry(remember(ctx, home)).promote(name, version))


@group.command()
def rollback(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The adapter.")],
    home: Home = None,
) -> None:
    """Make the previous version live again.

    If there is no previous version, the default answers: `reader`, or else the base model. A second rollback
    undoes the first.

    \b
    Example:
      domainqa adapters rollback bank
    """
    _say_live(name, _registry(remember(ctx, home)).rollback(name))


@group.command("import")
def import_(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A LoRA adapter as PEFT saves it.")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Adapter that gets the new version.")],
    home: Home = None,
) -> None:
    """Import a PEFT folder with safetensors weights as a new version, and print its name.

    It answers only after it is promoted.

    \b
    Example:
      domainqa adapters import ~/lora-out --name bank
    """
    number = _registry(remember(ctx, home)).import_folder(name, folder)
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
) -> None:
    """Copy a version into an ordinary PEFT folder, which PEFT, vLLM and `import` can read.

    \b
    Example:
      domainqa adapters export bank ~/bank-adapter
      domainqa adapters export bank@3 bank-3.zip
    """
    from finetune.registry.export import export as write

    entry = _registry(remember(ctx, home)).find(adapter)
    write(entry, target)
    messages().print(f"Exported {entry.reference} to {target}.", markup=False)


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
    from app.factories import model_folder
    from finetune.training.saving import merge as merge_into

    state = remember(ctx, home)
    settings = state.settings()
    entry = _registry(state).find(adapter)
    merge_into(model_folder(settings.generator, settings.models_cache), entry.folder, target)
    messages().print(f"Merged {entry.reference} into {target}.", markup=False)


@group.command()
def remove(ctx: typer.Context, adapter: NamedVersion, home: Home = None) -> None:
    """Delete a version that is not live. Its number is not used again.

    \b
    Example:
      domainqa adapters remove bank@2
    """
    name, version = _numbered(adapter)
    _registry(remember(ctx, home)).remove(name, version)
    messages().print(f"Removed {name}@{version}.", markup=False)


@group.command()
def verify(ctx: typer.Context, home: Home = None) -> None:
    """Verify every file of every version against its SHA-256 from registration.

    \b
    Example:
      domainqa adapters verify
    """
    registry = _registry(remember(ctx, home))
    problems = []
    for reference in (version.reference for version in _versions(registry)):
        problem = _problem(registry, reference)
        typer.echo(f"{reference}: {problem or 'ok'}")
        problems += [reference] if problem else []
    if problems:
        raise ModelError(
            f"These adapters are damaged: {', '.join(problems)}.",
            "Import them again from copies, or remove them.",
        )


def _shape(version: Version) -> AdapterVersion:
    from app.training_schema import AdapterVersion

    state = "unusable" if version.problem else "folder" if version.number is None else version.state
    verdict = version.verdict
    return AdapterVersion(
        adapter=version.reference,
        state=state or None,
        created=version.created or None,
        base=version.base or None,
        verdict=None if verdict is None else "promoted" if verdict.promoted else "rejected",
    )


def _versions(registry: Registry) -> list[Version]:
    """All versions, the oldest first."""
    from app.versions import versions_of

    return sorted(versions_of(registry), key=lambda version: (version.name, version.number or 0))


def _registry(state: State) -> Registry:
    from app.adapters import open_registry

    return open_registry(state.settings())


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


def _problem(registry: Registry, reference: str) -> str:
    from finetune.registry.entry import verify as check

    try:
        check(registry.find(reference))
    except DomainqaError as error:
        return error.cause
    return ""


def _told(entry: Entry, language: Language) -> list[tuple[str, str]]:
    """Everything that is known of a version, but for long lists; reasons of the verdict in a language."""
    rows = [("adapter", entry.reference), ("folder", str(entry.folder))]
    if entry.manifest is None:
        return rows
    hidden = {"format", "schema_version", "name", "version", "files", "losses", "verdict"}
    told = entry.manifest.model_dump(mode="json", exclude=hidden, exclude_defaults=True)
    rows += [(name.replace("_", " "), _text(value)) for name, value in told.items()]
    if entry.manifest.verdict:
        rows.append(("verdict", _verdict_text(entry.manifest.verdict, language)))
    if entry.manifest.losses:
        last = entry.manifest.losses[-1].model_dump(exclude_none=True)
        rows.append(("last loss", _text(last)))
    return rows


def _verdict_text(verdict: Verdict, language: Language) -> str:
    from finetune.report.words import WORDS, sentences_of

    words = WORDS[language]
    decision = words.promoted if verdict.promoted else words.rejected
    return f"{decision}: {' '.join(sentences_of(verdict.reasons, language))}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
