"""Keeps near-copies of one passage from filling the first places."""

import re
from collections.abc import Sequence

from knowledge_base.characters import HAN
from retrieval.fusion import Ranked

_WORD = re.compile(rf"[{HAN}]|\w+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_COPY = 0.9


def diversify(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Move every near-copy of a better passage behind all others; nothing is dropped.

    Near-copies share nine of ten words (Jaccard) and all numbers: last year's fee list is not a copy of
    this year's, though its words are.
    """
    kept: list[Ranked] = []
    copies: list[Ranked] = []
    seen: list[tuple[frozenset[str], frozenset[str]]] = []
    for entry in ranked:
        text = entry.passage.indexed_text.lower()
        mark = frozenset(_WORD.findall(text)), frozenset(_NUMBER.findall(text))
        if any(_is_copy(mark, other) for other in seen):
            copies.append(entry)
        else:
            kept.append(entry)
            seen.append(mark)
    return [*kept, *copies]


def _is_copy(
    one: tuple[frozenset[str], frozenset[str]], other: tuple[frozenset[str], frozenset[str]]
) -> bool:
    words, others = one[0], other[0]
    return one[1] == other[1] and len(words & others) >= _COPY * len(words | others)
