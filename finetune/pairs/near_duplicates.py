"""Which texts say nearly the same: equal numbers, and content words that mostly agree.

Candidates come from an inverted index over the rarest words of each text (prefix filtering: Bayardo, Ma &
Srikant, Scaling Up All Pairs Similarity Search, 2007), so that many texts take near-linear time.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from finetune.settings import CheckSettings
from retrieval.analysis import content_terms, numbers_of

NEAR: float = CheckSettings.model_fields["near_duplicate"].default
_ROUNDING = 1e-9
_SHORTENED = re.compile(r"['’]s\b")  # the card's fee, what's


@dataclass(frozen=True, slots=True)
class Mark:
    """What two texts are compared by.

    Numbers stand apart, because last year's fee is another question than this year's, though its other
    words are the same.
    """

    units: frozenset[str]
    numbers: frozenset[str]


def mark_of(text: str) -> Mark:
    """The content words, pairs of Han characters and numbers of a text."""
    return Mark(content_terms(_SHORTENED.sub(" ", text)), numbers_of(text))


def likeness(one: Mark, other: Mark) -> float:
    """Jaccard similarity of the words, in 0…1; 0 where the numbers differ, 1 for equal marks."""
    if one == other:
        return 1.0
    if one.numbers != other.numbers:
        return 0.0
    return len(one.units & other.units) / len(one.units | other.units)


class NearDuplicates:
    """Finds, for a text, those of `texts` that are at least `limit` alike.

    Args:
        texts: what is searched.
        limit: the least likeness, in (0, 1]; ValueError for any other.
    """

    def __init__(self, texts: Sequence[str], limit: float = NEAR) -> None:
        if not 0 < limit <= 1:
            raise ValueError(f"a likeness of {limit} is not above 0 and at most 1")
        self._limit = limit
        places: dict[Mark, list[int]] = {}
        for place, text in enumerate(texts):
            places.setdefault(mark_of(text), []).append(place)
        self._marks = list(places)
        self._places = list(places.values())
        self._frequency = Counter(unit for mark in self._marks for unit in mark.units)
        self._postings: dict[tuple[frozenset[str], str], list[int]] = {}
        for number, mark in enumerate(self._marks):
            for unit in self._rarest(mark):
                self._postings.setdefault((mark.numbers, unit), []).append(number)

    def near(self, text: str) -> list[int]:
        """Indices of the near texts, ascending; the text itself is among them if it is one of `texts`."""
        found = self._near_marks(mark_of(text))
        return sorted(place for number in found for place in self._places[number])

    def groups(self) -> list[list[int]]:
        """Indices of texts that are near each other, directly or through others; each is in one group."""
        links = (
            (number, other) for number, mark in enumerate(self._marks) for other in self._near_marks(mark)
        )
        groups = (
            sorted(place for number in numbers for place in self._places[number])
            for numbers in connected(len(self._marks), links)
        )
        return sorted(groups)

    def _near_marks(self, mark: Mark) -> Iterator[int]:
        seen: set[int] = set()
        for unit in self._rarest(mark):
            for number in self._postings.get((mark.numbers, unit), ()):
                if number not in seen:
                    seen.add(number)
                    if likeness(mark, self._marks[number]) >= self._limit:
                        yield number

    def _rarest(self, mark: Mark) -> list[str]:
        """The rarest units: two marks that are alike enough share at least one of theirs."""
        ordered = sorted(mark.units, key=lambda unit: (self._frequency[unit], unit))
        kept = len(ordered) - math.ceil(self._limit * len(ordered) - _ROUNDING) + 1
        return ordered[:kept] or [""]


def near_duplicate_groups(texts: Sequence[str], limit: float = NEAR) -> list[list[int]]:
    """Groups of indices of `texts` that are near each other, directly or through others.

    Every index is in exactly one group; groups and their members are in ascending order.
    """
    return NearDuplicates(texts, limit).groups()


def connected(count: int, links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The connected components of 0…count-1 under `links`; groups and their members in ascending order."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = list(links)
    if not ends:
        return [[member] for member in range(count)]
    one, other = zip(*ends, strict=True)
    graph = coo_array(([True] * len(ends), (one, other)), shape=(count, count))
    groups: dict[int, list[int]] = {}
    for member, label in enumerate(connected_components(graph, directed=False)[1].tolist()):
        groups.setdefault(label, []).append(member)
    return list(groups.values())
