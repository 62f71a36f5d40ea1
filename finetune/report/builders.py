"""The parts that several report pages are made of, and the page of a file of pairs."""

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from finetune.evaluation.cases import draw
from finetune.evaluation.scoring import Scored, summarise
from finetune.pairs.personal import mask_personal
from finetune.pairs.values import Dropped
from finetune.reasons import ReasonKind
from finetune.registry.manifest import libraries
from finetune.report.pages import render_report
from finetune.report.texts_en import GROUPS
from finetune.report.values import Comparison, Making, PairsReport, Selection, Table
from finetune.training.values import Refused
from retrieval.prompt import Language

_LEAST_OF_A_KIND = 4


def now() -> str:
    """This minute, as reports show it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def making(settings: Mapping[str, object], digests: Mapping[str, str]) -> Making:
    """How something was made: with these settings, from what has these digests, with the libraries of now."""
    versions = {**libraries(), "python": platform.python_version()}
    return Making({name: str(value) for name, value in settings.items()}, versions, digests)


def by_reason(dropped: Iterable[Dropped | Refused]) -> Counter[ReasonKind]:
    """How many were dropped for each kind of reason."""
    return Counter(entry.reason.kind for entry in dropped)


def masked(dropped: Iterable[Dropped], public: Sequence[str] = ()) -> tuple[Dropped, ...]:
    """Dropped pairs as a page may show them: personal data masked but for what is `public`."""
    return tuple(
        Dropped(d.id, mask_personal(d.question, public), d.origin or d.id, d.reason) for d in dropped
    )


def tables_of(scored: Mapping[str, Sequence[Scored]]) -> tuple[Table, ...]:
    """The figures of all contenders on all cases, in each language, and on each kind of question.

    The kind is what the answering function took a question for; a kind of few questions has no table.
    """
    first = next(iter(scored.values()), ())
    groups: dict[str, set[str]] = {}
    for entry in first:
        groups.setdefault(entry.case.language, set()).add(entry.case.id)
        groups.setdefault(entry.answer.kind, set()).add(entry.case.id)
    tables = [Table("all", {name: summarise(entries) for name, entries in scored.items()})]
    for group in (name for name in GROUPS if _LEAST_OF_A_KIND <= len(groups.get(name, ())) < len(first)):
        parts = {name: [e for e in entries if e.case.id in groups[group]] for name, entries in scored.items()}
        tables.append(Table(group, {name: summarise(entries) for name, entries in parts.items()}))
    return tuple(tables)


def best_of(scored: Mapping[str, Sequence[Scored]]) -> str:
    """The contender with the highest mean F1 over all cases."""
    return max(scored, key=lambda name: sum(entry.f1 for entry in scored[name]) / max(len(scored[name]), 1))


def worst(
    name: str, candidate: Sequence[Scored], other_name: str, other: Sequence[Scored], most: int = 10
) -> tuple[Comparison, ...]:
    """The cases where the candidate lost most against the other contender, the greatest loss first.

    Cases that only one of them answered are left out; there may be fewer than `most`.
    """
    by_id = {entry.case.id: entry for entry in other}
    pairs = [(by_id[entry.case.id], entry) for entry in candidate if entry.case.id in by_id]
    lost = sorted(
        ((before, after) for before, after in pairs if after.f1 < before.f1),
        key=lambda pair: pair[1].f1 - pair[0].f1,
    )
    return tuple(Comparison(after.case, {other_name: before, name: after}) for before, after in lost[:most])


def drawn(scored: Mapping[str, Sequence[Scored]], most: int = 10, seed: int = 0) -> tuple[Comparison, ...]:
    """Cases drawn at random, with the answers of every contender, in the order of the cases."""
    by_id = {name: {entry.case.id: entry for entry in entries} for name, entries in scored.items()}
    first: Sequence[Scored] = next(iter(scored.values()), ())
    shared = [entry.case for entry in first if all(entry.case.id in known for known in by_id.values())]
    return tuple(
        Comparison(case, {name: known[case.id] for name, known in by_id.items()})
        for case in draw(shared, most, seed)
    )


def pairs_page(
    name: str, collection: str, kept: tuple[int, int], dropped: Sequence[Dropped], language: Language = "en"
) -> str:
    """The page of an import, check or generation; `kept` are the pairs and tasks that were kept."""
    pairs, tasks = kept
    counts = {"pairs_kept": pairs, "tasks_kept": tasks, "pairs_dropped": len(dropped)}
    selection = Selection(counts, by_reason(dropped), lost=masked(dropped))
    return render_report(PairsReport(name, collection, now(), selection), language)
