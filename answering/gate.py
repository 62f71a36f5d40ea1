"""Whether a unit is near enough to a question to answer it."""

from functools import cache, cached_property

from answering import tables
from answering.evidence import Unit, is_chinese
from answering.selection import Candidate, Selection
from answering.wording import held_terms, subject_terms, terms_in

_ENOUGH_FACT = 1.35
_ENOUGH_TO_DECIDE = 1.0
_LET_GO = 0.12  # share of a question's weight that no document need hold, or that makes nothing related
_PARAPHRASE = {"en": 0.62, "zh": 0.8}
_MOST_UNKNOWN = {"en": 1.0, "zh": 0.5}
_SAME = {"en": 0.6, "zh": 0.85}  # nearness of a sentence that says what is asked in other words
_CLEARLY = 0.1  # … by which it is nearer than any other
_SOFT = (
    "open closed free time available valid rule rules information details guide process procedure policy "
    "regulations conditions requirements deadline amount number total "
    "时间 规则 规定 信息 详情 流程 政策 制度 要求 办法 情况 手续 营业 开放 数量"
)


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

    def enough(self, candidate: Candidate, least: float = _ENOUGH_FACT) -> bool:
        """Whether a unit carries an answer: it is near, fits, and no word of the subject is unheard of."""
        near = candidate.score >= least or self.is_looked_up(candidate.unit)
        return candidate.fits and near and not self.unheard

    def decides(self, candidate: Candidate) -> bool:
        """Whether a unit may say yes or no: enough of it, in other words, or the row that is named."""
        return (
            self.enough(candidate, _ENOUGH_TO_DECIDE)
            or self.is_nearest(candidate)
            or (candidate.fits and self.is_looked_up(candidate.unit))
        )

    def is_looked_up(self, unit: Unit) -> bool:
        """Whether the question names a row and one of its columns."""
        if not unit.cells or not tables.names(self.selection, unit):
            return False
        column = tables.column_for(self.selection, unit)
        asked = set(self.selection.weights) - terms_in(tables.key_of(unit))
        return column is not None and bool(held_terms(column[0]) & asked)

    def is_nearest(self, candidate: Candidate) -> bool:
        """Whether a sentence is clearly nearer by meaning than all others: the same in other words."""
        others = [c.nearness for c in self.selection.candidates if c.unit is not candidate.unit]
        language = self.asked.language
        return (
            candidate.fits
            and not candidate.unit.cells
            and candidate.nearness >= max(_SAME[language], max(others, default=0.0) + _CLEARLY)
        )

    @cached_property
    def unheard(self) -> frozenset[str]:
        """Words of the subject that no document holds and that weigh too much to be let go."""
        total = sum(self.selection.weights.values()) or 1.0
        unknown = (self.selection.unknown & self.asked.core) - self.asked.verbs - _soft_terms()
        unknown -= {term for term in unknown if len(term) == 1 and is_chinese(term)}  # no name, mostly a verb
        share = sum(self.selection.weights[term] for term in unknown) / total
        # The same thing in other words is as near as this; Chinese, written without blanks, lacks more pairs.
        paraphrase = self.best.nearness >= _PARAPHRASE[self.asked.language]
        if share <= _LET_GO or (paraphrase and share <= _MOST_UNKNOWN[self.asked.language]):
            return frozenset()
        return unknown


@cache
def _soft_terms() -> frozenset[str]:
    """Terms of a question that a document need not hold to answer it."""
    return frozenset(term for word in _SOFT.split() for term in subject_terms(word))
