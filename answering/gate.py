"""Whether a unit is near enough to a question to answer it."""

import math
from functools import cached_property

from answering import tables
from answering.evidence import Unit
from answering.selection import Candidate, Selection
from answering.wording import held_terms, terms_in

# A logistic regression over the nearest units of 588 questions on three organisations and the sample bank,
# half of them with what answers taken out. On two other organisations and the bank's pairs the AUC is .93.
# Whether every word of the question stands in some document says nothing more, once the cosine is known.
_WEIGHTS = {
    "coverage": 1.5,
    "nearness": 6.5,
    "apart": 0.8,
    "hit": 3.5,
    "looked up": 3.2,
    "attribute": 1.35,
    "chinese": -1.2,
}
_BIAS = -11.3
_RULED_OUT = -2.5  # log-odds of the relevance model below which a line does not answer, whatever its words
_ENOUGH = 0.25
_ENOUGH_SHOWN = 0.2  # where whole sentences are the answer, which tell what they are about
_ON_SUBJECT = 0.02  # what is computed from cells that the question names needs less


class Gate:
    """Lets through the units of a selection that carry an answer."""

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.asked = selection.asked

    @cached_property
    def best(self) -> Candidate:
        """The nearest unit in which nothing is otherwise than the question fixes it, else the nearest."""
        fitting = [c for c in self.selection.candidates if c.fits]
        return fitting[0] if fitting else self.selection.candidates[0]

    def probability(self, candidate: Candidate) -> float:
        """Probability in 0…1 that a unit answers the question, by its meaning and its words."""
        unit = candidate.unit
        signals = {
            "coverage": candidate.coverage,
            "nearness": candidate.nearness,
            "apart": candidate.apart,
            "hit": self.selection.hit(unit),
            "looked up": float(self.is_looked_up(unit)),
            "attribute": float(self.selection.holds_attribute(unit)),
            "chinese": float(self.asked.language == "zh"),
        }
        return 1 / (1 + math.exp(-_BIAS - sum(_WEIGHTS[name] * value for name, value in signals.items())))

    def enough(self, candidate: Candidate) -> bool:
        """Whether a unit carries an answer: it is near, and nothing in it is otherwise than asked."""
        least = _ENOUGH if self.asked.kind == "fact" else _ENOUGH_SHOWN
        is_ruled_out = candidate.read < _RULED_OUT
        return candidate.fits and not is_ruled_out and self.probability(candidate) >= least

    @cached_property
    def on_subject(self) -> bool:
        """Whether the documents are about what is asked at all."""
        return max(map(self.probability, self.selection.candidates[:3]), default=0.0) >= _ON_SUBJECT

    def is_looked_up(self, unit: Unit) -> bool:
        """Whether the question names a row and one of its columns."""
        if not unit.cells or not tables.names(self.selection, unit):
            return False
        column = tables.column_for(self.selection, unit)
        asked = set(self.selection.weights) - terms_in(tables.key_of(unit))
        return column is not None and bool(held_terms(column[0]) & asked)
