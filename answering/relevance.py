"""The units of the evidence read together with the question, in the windows of text that they stand in."""

from collections.abc import Sequence

from answering.evidence import Evidence, Unit
from retrieval.relevance import Relevance, Window

MOST_WINDOWS = 6


def log_odds(
    question: str, units: Sequence[Unit], evidence: Evidence, relevance: Relevance
) -> dict[Unit, float]:
    """How likely each unit answers, as log-odds: of `units`, best first, and of what stands around them.

    A window is what a passage holds under one heading. At most `MOST_WINDOWS` are read.
    """
    wanted = list(dict.fromkeys((unit.passage.id, unit.path) for unit in units))[:MOST_WINDOWS]
    held: dict[tuple[str, tuple[str, ...]], list[Unit]] = {place: [] for place in wanted}
    for unit in evidence.units:
        place = (unit.passage.id, unit.path)
        if place in held:
            held[place].append(unit)
    windows = [Window(group[0].headings, tuple(unit.text for unit in group)) for group in held.values()]
    read = relevance(question, windows)
    return {
        unit: float(odds)
        for group, found in zip(held.values(), read, strict=True)
        for unit, odds in zip(group, found, strict=True)
    }
