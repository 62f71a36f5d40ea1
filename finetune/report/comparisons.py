"""Which replies a report shows side by side, and in which groups the figures are given."""

from collections.abc import Mapping, Sequence

from finetune.draw import draw
from finetune.evaluation.scoring import Scored, Summary, summarise
from finetune.report.values import Comparison, Table
from retrieval.prompt import LANGUAGES


def tables_of(scored: Mapping[str, Sequence[Scored]]) -> tuple[Table, ...]:
    """The figures of all contenders on all cases, and on those of each language that was asked in."""
    tables = [Table("all", summaries_of(scored))]
    for language in LANGUAGES:
        part = {name: [e for e in entries if e.case.language == language] for name, entries in scored.items()}
        if all(part.values()):
            tables.append(Table(language, summaries_of(part)))
    return tuple(tables)


def summaries_of(scored: Mapping[str, Sequence[Scored]]) -> dict[str, Summary]:
    """The figures of each contender."""
    return {name: summarise(entries) for name, entries in scored.items()}


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
    """Cases drawn at random, with the replies of every contender, in the order of the cases."""
    by_id = {name: {entry.case.id: entry for entry in entries} for name, entries in scored.items()}
    first: Sequence[Scored] = next(iter(scored.values()), ())
    shared = [entry.case for entry in first if all(entry.case.id in known for known in by_id.values())]
    return tuple(
        Comparison(case, {name: known[case.id] for name, known in by_id.items()})
        for case in draw(shared, most, seed)
    )
