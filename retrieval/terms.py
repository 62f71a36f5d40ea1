"""What a text is about, as a set to compare: its words, its numbers, its pairs of Han characters."""

import re
import unicodedata

from knowledge_base.characters import HAN, HAN_CHARACTER
from retrieval.stop_words import STOP_WORDS

_WORD = re.compile(rf"[{HAN}]+|\d+(?:[.,:/-]\d+)*|[^\W\d_{HAN}]+")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")


def content_terms(text: str) -> frozenset[str]:
    """Words, numbers, and pairs of neighbouring Han characters (single ones where a run is that short).

    Words that say nothing are left out, unless there are no others.
    """
    units: set[str] = set()
    for run in _WORD.findall(_folded(text)):
        if "\u3400" <= run[0] <= "\u9fff" and len(run) > 1:
            units.update(run[i : i + 2] for i in range(len(run) - 1))
        else:
            units.add(run.replace(",", ""))
    return frozenset(units - STOP_WORDS) or frozenset(units)


def supporting_terms(text: str) -> frozenset[str]:
    """Units that a text can lend to another one: its own, and each of its Han characters by itself.

    "1950年" is a number and a single character; in "1950年制定" that character stands in a pair only.
    """
    return content_terms(text) | frozenset(HAN_CHARACTER.findall(text))


def numbers_of(text: str) -> frozenset[str]:
    """The numbers in a text, without thousands separators."""
    return frozenset(number.replace(",", "") for number in _NUMBER.findall(_folded(text)))


def share(wanted: frozenset[str], held: frozenset[str]) -> float:
    """Share of `wanted` that is in `held`; 0 if nothing is wanted."""
    return len(wanted & held) / len(wanted) if wanted else 0.0


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()
