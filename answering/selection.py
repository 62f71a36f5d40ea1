"""Scores the units of the evidence against a question, and says what of the question each of them lacks."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property

from answering.editions import Editions
from answering.evidence import Evidence, Unit, columns_of
from answering.naming import (
    han_prefixes,
    names_another,
    telling_apart,
    uncovered,
    within_longer_name,
)
from answering.quantities import Quantity, quantities_in, ranges_in, same_dimension
from answering.question import Asked
from answering.relevance import log_odds
from answering.wording import canonical, folded, stem, subject_terms, terms_in
from knowledge_base.characters import HAN, has_chinese
from retrieval.analysis import simplified
from retrieval.context import Embed, holds_figure
from retrieval.relevance import Relevance
from retrieval.values import Vectors

# Cosines of multilingual-e5-small lie between about .75 (unrelated) and .95 (same statement).
_UNRELATED, _SPREAD = 0.75, 0.2
_NEAR = 1.25  # weight of the cosine against the share of the question's terms
_LEAST_SPREAD = 0.025
_FEW, _USUALLY_APART = 5, 2.0  # what the nearest unit of many is apart from the others
_SCOPE = 0.7  # what a term is worth that only the headings hold
_READ = 60  # units that are compared by meaning; the others are far off by their words
_READ_TOGETHER = 16  # units that are read together with the question
_READING = 0.05  # weight of the log-odds that a unit answers, which are between …
_LEAST_ODDS, _MOST_ODDS = -6.0, 6.0
_UNREAD = -2.0  # … and these where it was not read; less does not make a score lower
_HIT = 0.35  # what the first passage of the search is worth, the others less
_FIGURE = 0.15
_CONFLICT = 0.6
_VERB = 0.4  # what a verb of the question weighs: documents put what is done in other words
_NO_ATTRIBUTE = 0.5
_PRICED = re.compile(r"\b(?:price|cost|fee|charge|rent|premium)s?\b|价|费|租金|金额")
_PAID = frozenset({"yuan", "dollar", "euro", "pound"})
_DENIAL_COVERS = 0.45  # a sentence that denies must hold so much of the question
_DENIES = re.compile(r"\b(?:never|not|no|cannot|declined|none)\b|不|未|无法|没有")
_ALL_HAN = re.compile("全部|所有|各|任何|一律|均|每个|每家")
_DAYS = (
    (
        "sunday",
        re.compile(r"\bsundays?\b|周日"),
        re.compile(
            r"\bsundays?\b|\bweekends?\b|\b(?:daily|every day|24 hours)\b|周日|周末|每天|每日|天天|24小时"
        ),
    ),
    (
        "saturday",
        re.compile(r"\bsaturdays?\b|周六"),
        re.compile(
            r"\bsaturdays?\b|\bweekends?\b|\b(?:daily|every day|24 hours)\b|周六|周末|每天|每日|天天|24小时"
        ),
    ),
)
_SOME_DAY = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweekdays?\b|\bweekends?\b|周[一二三四五六日末]|工作日|节假日"
)
_VERB_DECIDES = 0.8  # … but whether something may be done turns on what is done


@dataclass(frozen=True)
class Models:
    """What compares a question with the documents: `relevance` reads both together, where it is there."""

    embed: Embed
    relevance: Relevance | None = None


@dataclass(frozen=True)
class Candidate:
    """A unit, how near it is to the question, and what of the question it and its headings lack.

    `nearness` is the cosine of their meanings, 0…1 between unrelated and the same; `apart` how many standard
    deviations that is above the mean of all units compared; `read` the log-odds that it answers when both are
    read together.
    """

    unit: Unit
    score: float
    coverage: float
    nearness: float
    apart: float
    missing: frozenset[str]
    conflicts: tuple[str, ...] = ()
    read: float = 0.0

    @property
    def fits(self) -> bool:
        """Whether nothing that the question fixes is otherwise here."""
        return not self.conflicts


class Selection:
    """The units of the evidence in the order of their nearness to one question."""

    def __init__(
        self,
        asked: Asked,
        evidence: Evidence,
        editions: Editions,
        models: Models,
        known: Callable[[str], bool],
    ) -> None:
        self.asked = asked
        self.evidence = evidence
        self.editions = editions
        self.allowed = tuple(unit for unit in evidence.units if editions.allows(asked, unit))
        self.embed = models.embed
        self.relevance = models.relevance
        self.known = known

    @cached_property
    def weights(self) -> dict[str, float]:
        """Weight of each term of the question: its inverse document frequency among the units."""
        units = self.evidence.units
        verb = _VERB_DECIDES if self.asked.kind == "yesno" else _VERB
        asked = set(self.asked.terms) - self.straddling
        counts = Counter(term for unit in units for term in asked & (unit.terms | unit.scope_terms))
        return {
            term: math.log((len(units) + 2) / (counts[term] + 1))
            * (verb if term in self.asked.verbs else 1.0)
            for term in asked
        }

    @cached_property
    def question_vector(self) -> Vectors:
        """The question as a query, which asymmetric embedders set against passages that may answer it."""
        vector: Vectors = self.embed([self.asked.text.translate(simplified())], kind="query")[0]
        return vector

    @cached_property
    def straddling(self) -> frozenset[str]:
        """Pairs of Han characters that no document holds, but whose characters belong to words that some do.

        Chinese is written without blanks: of 金卡年费 the pair 卡年 is no word.
        """
        found: set[str] = set()
        for chunk in self.asked.chunks:
            pairs = [chunk[i : i + 2] for i in range(len(chunk) - 1)] if has_chinese(chunk[:1]) else []
            bare = uncovered(chunk, self.known)
            words = {i for i in bare if i - 1 in bare or i + 1 in bare}
            found |= {
                pair for i, pair in enumerate(pairs) if not self.known(pair) and not {i, i + 1} <= words
            }
        return frozenset(found)

    @cached_property
    def unknown(self) -> frozenset[str]:
        """Terms of the question that no document of the collection holds."""
        return frozenset(term for term in self.weights if not self.known(term))

    @cached_property
    def labels(self) -> frozenset[str]:
        """Terms that tell rows or columns of a table of the evidence apart, as gold and platinum do."""
        found: set[str] = set()
        for section in self.evidence.sections:
            for rows in section.tables:
                keys = [terms_in(row.cells[0][1]) for row in rows]
                names = [terms_in(name) for name in columns_of(rows[0])[1:]]
                above = terms_in(columns_of(rows[0])[0]) | rows[0].scope_terms
                for group in (keys, names):
                    found |= telling_apart(group, above, frozenset(self.asked.terms))
                found |= han_prefixes([folded(row.cells[0][1]) for row in rows])
        return frozenset(found)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """All allowed units that were compared, best first."""
        ordered = sorted(self.allowed, key=lambda unit: -self._wording(unit) - _HIT * self.hit(unit))[:_READ]
        nearness = self._nearness(ordered)
        apart = _apart(nearness)
        found = [self._candidate(*signals) for signals in zip(ordered, nearness, apart, strict=True)]
        return tuple(self._read(sorted(found, key=lambda c: -c.score)))

    def _read(self, found: Sequence[Candidate]) -> list[Candidate]:
        """The candidates in a new order, the first of them read together with the question."""
        if self.relevance is None:
            return list(found)
        units = [candidate.unit for candidate in found[:_READ_TOGETHER]]
        odds = log_odds(self.asked.text, units, self.evidence, self.relevance)
        read = [_weighed(candidate, odds.get(candidate.unit)) for candidate in found]
        return sorted(read, key=lambda c: -c.score)

    def coverage(self, terms: frozenset[str], scope: frozenset[str] = frozenset()) -> float:
        """Share of the question's terms, by weight, in `terms`, or less in `scope`."""
        total = sum(self.weights.values()) or 1.0
        return (
            sum(w * (1.0 if t in terms else _SCOPE if t in scope else 0.0) for t, w in self.weights.items())
            / total
        )

    def _wording(self, unit: Unit) -> float:
        return self.coverage(unit.terms, unit.scope_terms)

    def hit(self, unit: Unit) -> float:
        """1 for a unit of the first passage that the search found, less for later ones, 0 for others."""
        hits = self.evidence.hits
        return (1 + hits.index(unit.passage.id)) ** -0.5 if unit.passage.id in hits else 0.0

    def _nearness(self, units: Sequence[Unit]) -> list[float]:
        if not units:
            return []
        texts = [f"{unit.path[-1] if unit.path else unit.passage.title}: {unit.text}" for unit in units]
        cosines = self.embed([text.translate(simplified()) for text in texts]) @ self.question_vector
        return [float(cosine - _UNRELATED) / _SPREAD for cosine in cosines]

    def _candidate(self, unit: Unit, nearness: float, apart: float) -> Candidate:
        coverage = self._wording(unit)
        conflicts = tuple(self.conflicts(unit))
        figure = self.asked.wants in (
            "amount",
            "duration",
            "time",
            "count",
            "rate",
            "telephone",
        ) and holds_figure(unit.text)
        score = (
            coverage
            + _NEAR * nearness
            + _HIT * self.hit(unit)
            + (_FIGURE if figure else 0.0)
            + self._number_bonus(unit)
        )
        if unit.cells:
            score += 0.3 * self.key_precision(unit)
        if not self.holds_attribute(unit):
            score -= _NO_ATTRIBUTE
        missing = frozenset(self.asked.terms) - unit.terms - unit.scope_terms
        return Candidate(
            unit, score - _CONFLICT * len(conflicts), coverage, nearness, apart, missing, conflicts
        )

    def holds_attribute(self, unit: Unit) -> bool:
        """Whether a unit speaks of what is asked of the subject, or denies something of it."""
        attribute = self.asked.attribute & frozenset(self.weights)
        total = sum(self.weights[term] for term in attribute)
        held = sum(self.weights[term] for term in attribute & (unit.terms | unit.scope_terms))
        return (
            total == 0
            or held >= total / 2
            or (attribute <= _price_terms() and _holds_money(unit))
            or (
                not unit.cells
                and self._wording(unit) >= _DENIAL_COVERS
                and bool(_DENIES.search(folded(unit.text)))
            )
        )

    def key_precision(self, unit: Unit) -> float:
        """Share of what the first cell of a row says that the question says too, its numbers included."""
        key = frozenset(term for term in terms_in(unit.cells[0][1]) if not term[:1].isdigit())
        numbers = quantities_in(unit.cells[0][1])
        matched = int(_matches_numbers(self.asked.quantities, unit.cells[0][1]))
        said = len(key & (frozenset(self.asked.terms) | terms_in(self.asked.text))) + matched
        size = len(key) + (1 if numbers else 0)
        return said / size if size else 0.0

    def _number_bonus(self, unit: Unit) -> float:
        return 0.25 if self.asked.quantities and _matches_numbers(self.asked.quantities, unit.text) else 0.0

    def conflicts(self, unit: Unit) -> list[str]:
        """What the question fixes and this unit has otherwise or not at all."""
        held = unit.terms | unit.scope_terms
        said = folded(f"{unit.text} {unit.scope}")
        found = [t for t in self.asked.terms if t in self.labels and t not in held]
        found += [name for name in self._names if name not in said and stemless(name) not in said]
        found += self._longer_names
        found += self._other_heads(unit) or self._other_subject(unit)
        if found and self._speaks_of_all(said):
            found = []  # what holds for all holds for the one that is named
        if unit in self._unnamed_rows:
            found.append(unit.cells[0][1])
        found += [q.text for q in self.asked.quantities if not self._meets(q, unit)]
        day = canonical(self.asked.text)
        days = [(name, meets) for name, asks, meets in _DAYS if asks.search(day)]
        others = [name for name, meets in days if self._is_of_other_day(unit, meets)]
        return list(dict.fromkeys(found + (others if len(others) == len(days) else [])))

    def _speaks_of_all(self, said: str) -> bool:
        """Whether a text is on all things of a kind that the question names one of: "All branches are …"."""
        if _ALL_HAN.search(said):
            return True
        nouns = "|".join(re.escape(word.rstrip("s")) for word in self.asked.chunks if word.isascii())
        return bool(
            nouns and re.search(rf"\b(?:all|every|any|no)\s+(?:of )?(?:our |the )?(?:\w+ )?(?:{nouns})", said)
        )

    def _is_of_other_day(self, unit: Unit, meets: re.Pattern[str]) -> bool:
        text = canonical(f"{unit.text} {unit.scope}")
        return bool(_SOME_DAY.search(text)) and not meets.search(text)

    def _other_heads(self, row: Unit) -> list[str]:
        """Words that qualify a noun of the question which a row's name or a column has qualified otherwise.

        "The silver card" is not the row "Gold card", and "parking fee" not the column "Fee".
        """
        if not row.cells:
            return []
        columns = {name for column in columns_of(row) for name in folded(column).split()}
        found = []
        for word, noun in self._qualified:
            qualifier = stem(word)
            if qualifier in row.terms | row.scope_terms:
                continue
            named = re.findall(rf"([a-z][\w'-]+) {re.escape(stemless(noun))}s?\b", folded(row.cells[0][1]))
            others = {stem(word) for word in named} - _LOOSE
            if (qualifier in self.unknown and noun in columns) or (
                others and others.isdisjoint(self.asked.terms)
            ):
                found.append(qualifier)
        return found

    def _other_subject(self, unit: Unit) -> list[str]:
        """Words that qualify a noun of the question which the unit's title qualifies otherwise.

        What the "Home loan guide" says does not hold for personal loans, if documents speak of those as well.
        """
        found = []
        for word, noun in self._kinds:
            others = re.findall(rf"(?:^|› )([a-z][\w-]*) {re.escape(stemless(noun))}\b", folded(unit.scope))
            is_other = bool(others) and {stem(one) for one in others}.isdisjoint(self.asked.terms)
            if is_other and stem(word) not in unit.terms | unit.scope_terms:
                found.append(word)
        for noun, kinds in self._kinds_han.items():
            named = kinds & frozenset(self.asked.terms)
            is_other = any(f"{kind}{noun}" in folded(unit.scope) for kind in kinds - named)
            if len(named) == 1 and is_other and not named & (unit.terms | unit.scope_terms):
                found += named
        return found

    @cached_property
    def _kinds_han(self) -> dict[str, frozenset[str]]:
        """Chinese nouns of several titles, each with what tells these apart: 贷款 with 住房, 消费, 汽车."""
        titles = dict.fromkeys(folded(unit.passage.title) for unit in self.evidence.units)
        found: dict[str, set[str]] = {}
        for title in titles:
            for kind, noun in re.findall(rf"(?=([{HAN}]{{2}})([{HAN}]{{2}}))", title):
                found.setdefault(noun, set()).add(kind)
        return {noun: frozenset(kinds) for noun, kinds in found.items() if len(kinds) > 1}

    @cached_property
    def _kinds(self) -> tuple[tuple[str, str], ...]:
        """The pairs of `_qualified` that stand in the evidence: names of kinds, such as "personal loan"."""
        return tuple(pair for pair in self._qualified if self._stands(f"{pair[0]} {stemless(pair[1])}"))

    @cached_property
    def _longer_names(self) -> tuple[str, ...]:
        """Labels that stand only within another name: 钛金卡, "titanium gold card", "gold plus card"."""
        chunks = [chunk for chunk in self.asked.chunks if has_chinese(chunk[:1])]
        found = [within_longer_name(chunk, self.labels, self.known) for chunk in chunks]
        others = self.unknown - self.asked.verbs
        found += [f"{a} {b}" for a, b in self._qualified if stem(a) in others and stem(b) in self.labels]
        for (label, inner), (same, noun) in zip(self._qualified, self._qualified[1:], strict=False):
            if inner == same and stem(label) in self.labels and stem(inner) not in self.asked.verbs:
                is_other = self._stands(f"{label} {stemless(noun)}") and not self._stands(f"{inner} {noun}")
                found += [f"{label} {inner} {noun}"] if is_other else []
        return tuple(filter(None, found))

    def _stands(self, words: str) -> bool:
        """Whether words stand one behind the other somewhere in the evidence."""
        return words in self._all_words

    @cached_property
    def _all_words(self) -> str:
        scopes = dict.fromkeys(unit.scope for unit in self.evidence.units)
        return "\n".join(map(folded, (*scopes, *(unit.text for unit in self.evidence.units))))

    @cached_property
    def _qualified(self) -> tuple[tuple[str, str], ...]:
        """Pairs of an English question's words that stand together: what qualifies, and the noun."""
        words = re.findall(r"[a-z][\w'-]*|[.,;?!]", folded(self.asked.text))
        subject = set(self.asked.chunks)
        pairs = zip(words, words[1:], strict=False)
        return tuple(
            (one, other) for one, other in pairs if {one, other} <= subject and stem(one) != stem(other)
        )

    def _meets(self, quantity: Quantity, unit: Unit) -> bool:
        """Whether a unit holds a number of the question, or one of its dimension to compare it with."""
        text = f"{unit.text} {unit.scope}"
        if any(quantity.equals(other) for other in quantities_in(text)):
            return True
        if self.asked.kind == "yesno" or self.asked.presumes:  # a figure may be claimed that is wrong
            dimensions = {q.dimension for q in quantities_in(unit.text)}
            if "clock" in dimensions and not quantity.dimension:  # "at eight"
                return True
            if any(same_dimension(one, quantity.dimension) for one in dimensions) or (
                unit.cells and "" in dimensions
            ):
                return True
        ranges = [r for r in ranges_in(text) if same_dimension(r.dimension, quantity.dimension)]
        if unit.cells and ranges_in(unit.cells[0][1]):
            ranges = [
                r for r in ranges_in(unit.cells[0][1]) if same_dimension(r.dimension, quantity.dimension)
            ]
            return any(r.holds(quantity) for r in ranges)
        return bool(ranges)

    @cached_property
    def _unnamed_rows(self) -> frozenset[Unit]:
        """Rows of tables where the question names a row that is missing: 双人间 beside 单人间 and 家庭间."""
        question = folded(self.asked.text)
        tables = [rows for section in self.evidence.sections for rows in section.tables]
        return frozenset(
            row
            for rows in tables
            if names_another(question, [folded(row.cells[0][1]) for row in rows], folded(rows[0].scope))
            for row in rows
        )

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Proper names of an English question: capitalised words that do not begin a sentence."""
        words = re.findall(r"(?<![.?!:] )(?<!^)\b[A-Z][\w'-]+", self.asked.text)
        return tuple(
            dict.fromkeys(folded(word).removesuffix("'s") for word in words if word not in _NOT_NAMES)
        )


def _weighed(candidate: Candidate, odds: float | None) -> Candidate:
    """A candidate whose score counts what was read."""
    if candidate.unit.cells:
        return candidate  # which row and column is meant is decided by their names
    read = _UNREAD if odds is None else max(_LEAST_ODDS, min(odds, _MOST_ODDS))
    return replace(candidate, read=read, score=candidate.score + _READING * max(read, _UNREAD))


_LOOSE = frozenset([
    "the", "a", "an", "your", "our", "my", "their", "its", "his", "her", "this", "that", "each", "every",
    "any", "all", "no", "some", "of", "new", "same", "such", "one", "and", "or", "for", "per", "by", "with",
])  # fmt: skip
_NOT_NAMES = frozenset([
    "I", "I'm", "I'd", "I've", "I'll", "OK", "Hi", "Hello", "Monday", "Tuesday", "Wednesday", "Thursday",
    "Friday", "Saturday", "Sunday", "Mondays", "Saturdays", "Sundays",
])  # fmt: skip


def _apart(nearness: Sequence[float]) -> list[float]:
    """How many standard deviations each is above the mean; of a few units that says nothing."""
    if len(nearness) < _FEW:
        return [_USUALLY_APART] * len(nearness)
    mean, spread = statistics.fmean(nearness), statistics.pstdev(nearness) + _LEAST_SPREAD
    return [(one - mean) / spread for one in nearness]


@cache
def _price_terms() -> frozenset[str]:
    return frozenset(subject_terms("cost 费用"))


def _holds_money(unit: Unit) -> bool:
    """Whether a sentence names a sum of money, or a row has a column of prices."""
    if unit.cells:
        return any(_PRICED.search(folded(name)) for name in columns_of(unit))
    return not _PAID.isdisjoint(q.dimension for q in quantities_in(unit.text))


def stemless(name: str) -> str:
    """An English name without a plural's s."""
    return name[:-1] if name.endswith("s") else name


def _matches_numbers(quantities: Sequence[Quantity], text: str) -> bool:
    """Whether some number of the question is in a text, or in a range that it sets."""
    held, ranges = quantities_in(text), ranges_in(text)
    return any(
        any(q.equals(other) for other in held)
        or any(r.holds(q) and same_dimension(r.dimension, q.dimension) for r in ranges)
        for q in quantities
    )
