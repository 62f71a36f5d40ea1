"""Exact match and token F1 of an answer against the accepted ones.

After SQuAD (Rajpurkar et al. 2016, section 6.1) for English, words without articles and punctuation, and
CMRC 2018 (Cui et al. 2019) for Chinese, characters without punctuation. Texts that mix both are cut into
Han characters and words.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from knowledge_base.characters import HAN

_ARTICLES = frozenset({"a", "an", "the"})
_TOKEN = re.compile(rf"[{HAN}]|\d+(?:[.,]\d+)*|[^\W\d_{HAN}]+")


def answer_tokens(text: str) -> list[str]:
    """Lower-cased words and numbers without articles and punctuation, and single Han characters."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return [token.replace(",", "") for token in _TOKEN.findall(folded) if token not in _ARTICLES]


def exact_match(answer: str, accepted: Sequence[str]) -> float:
    """1.0 if the answer equals an accepted one, token by token, else 0.0."""
    tokens = answer_tokens(answer)
    return float(any(tokens == answer_tokens(other) for other in accepted))


def f1(answer: str, accepted: Sequence[str]) -> float:
    """Best harmonic mean of token precision and recall over the accepted answers."""
    return max((_f1(answer_tokens(answer), answer_tokens(other)) for other in accepted), default=0.0)


def _f1(found: list[str], wanted: list[str]) -> float:
    common = sum((Counter(found) & Counter(wanted)).values())
    if not common:
        return float(found == wanted)
    precision, recall = common / len(found), common / len(wanted)
    return 2 * precision * recall / (precision + recall)
