"""The versions of adapters."""

import json
from pathlib import Path

from app.operations.values import Home, Listener, operation
from app.training_schema import AdapterVersion
from app.versions import Version, versions_of
from finetune.registry.entry import Entry
from finetune.registry.entry import export as write
from finetune.registry.entry import verify as check
from finetune.registry.manifest import Verdict
from finetune.registry.registry import Aliases, Registry
from finetune.report.words import WORDS, sentences_of
from knowledge_base.errors import DomainqaError
from retrieval.prompt import Language


@operation
def catalogue(home: Home, listener: Listener) -> list[AdapterVersion]:
    """All versions, the oldest first."""
    return [_shape(version) for version in _versions(home.registry)]


@operation
def show(home: Home, listener: Listener, adapter: str) -> object:
    """The manifest of a version, None if it has none; tells as "rows" what people read of it."""
    entry = home.registry.find(adapter)
    listener.hear("rows", _told(entry, home.settings.locale))
    return entry.manifest


@operation
def promote(home: Home, listener: Listener, name: str, version: int) -> Aliases:
    """Make a version live."""
    return home.registry.promote(name, version)


@operation
def roll_back(home: Home, listener: Listener, name: str) -> Aliases:
    """Make the previous version live again."""
    return home.registry.rollback(name)


@operation
def import_folder(home: Home, listener: Listener, name: str, folder: Path) -> int:
    """Register a PEFT folder as a new version, and return its number."""
    return home.registry.import_folder(name, folder)


@operation
def export(home: Home, listener: Listener, adapter: str, target: Path) -> str:
    """Copy a version into a PEFT folder, and return which it was."""
    entry = home.registry.find(adapter)
    write(entry, target)
    return entry.reference


@operation
def remove(home: Home, listener: Listener, name: str, version: int) -> None:
    """Delete a version that is not live."""
    home.registry.remove(name, version)


@operation
def verify(home: Home, listener: Listener) -> list[str]:
    """The versions whose files are damaged; tells of each that is "verified" its problem, "" for none."""
    damaged = []
    for version in _versions(home.registry):
        problem = _problem(home.registry, version.reference)
        listener.hear("verified", (version.reference, problem))
        damaged += [version.reference] if problem else []
    return damaged


def _shape(version: Version) -> AdapterVersion:
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
    return sorted(versions_of(registry), key=lambda version: (version.name, version.number or 0))


def _problem(registry: Registry, reference: str) -> str:
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
    words = WORDS[language]
    decision = words.promoted if verdict.promoted else words.rejected
    return f"{decision}: {' '.join(sentences_of(verdict.reasons, language))}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
