"""The versions of adapters as lists show them, and the names that a question can choose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from finetune.evaluation.cases import CANDIDATE
from finetune.registry.entry import Entry
from finetune.registry.manifest import Verdict
from finetune.registry.registry import Registry
from knowledge_base.errors import DomainqaError

REPORT = "report.html"  # beside the weights of a version that a retraining made
FIGURES = ("f1", "refusal_recall", "false_refusals", "citations")

State = Literal["", "live", "previous"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `number` is None for a folder without versions, `problem` says why it cannot be used.

    `figures` are those of FIGURES that were measured, in 0…1.
    """

    reference: str
    name: str
    number: int | None
    state: State = ""
    created: str = ""
    base: str = ""
    verdict: Verdict | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    has_report: bool = False
    problem: str = ""


def versions_of(registry: Registry) -> list[Version]:
    """Every version of every adapter: by name, the newest first."""
    return [version for name in registry.names() for version in _versions(registry, name)]


def choices_of(registry: Registry, names: Sequence[str]) -> list[tuple[str, str]]:
    """Names that a question can choose as (shown, name); an adapter shows its live version."""
    return [(shown_name(registry, name), name) for name in names]


def shown_name(registry: Registry, name: str) -> str:
    """A name with its live version: "bank@3"; the name alone where it has no versions."""
    live = registry.aliases(name).live
    return f"{name}@{live}" if live else name


def _versions(registry: Registry, name: str) -> Iterator[Version]:
    aliases = registry.aliases(name)
    states: dict[int | None, State] = {aliases.previous: "previous", aliases.live: "live"}
    for number in reversed(registry.versions(name)):
        yield _version(registry, name, number, states.get(number, ""))
    if registry.serves(name) and aliases.live is None:
        yield _version(registry, name, None, "live")


def _version(registry: Registry, name: str, number: int | None, state: State) -> Version:
    reference = f"{name}@{number}" if number else name
    try:
        entry = registry.find(reference)
    except DomainqaError as error:
        return Version(reference, name, number, state, problem=error.cause)
    made = entry.manifest
    return Version(
        reference=reference,
        name=name,
        number=number,
        state=state,
        created=made.created if made else "",
        base=made.base.id if made and made.base else "",
        verdict=made.verdict if made else None,
        figures=_figures(entry),
        has_report=(entry.folder / REPORT).is_file(),
    )


def _figures(entry: Entry) -> dict[str, float]:
    measured = entry.manifest.evaluation.get(CANDIDATE) if entry.manifest else None
    if not isinstance(measured, Mapping):
        return {}
    found = {name: measured.get(name) for name in FIGURES}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}
