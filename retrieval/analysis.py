"""Text to terms for the lexical index: one analysis for passages, the same without stop words for questions.

Chinese runs become single characters and overlapping pairs. Measured against words cut by jieba (search
mode), which this replaced: recall@1 .94 against .92 on XQuAD zh, .976 against .958 on CMRC paragraphs, six
times as fast, and no dictionary to load. Dropping stop words from questions adds .007 (en) to .01 (zh).
"""

import re
import threading
import unicodedata
from collections.abc import Sequence

import tantivy

from knowledge_base.characters import HAN

TOKENIZER = "domainqa"

_TOKEN = re.compile(
    rf"\d+(?:[.,:/-]\d+)*(?![^\W_{HAN}])"  # a number
    rf"|[{HAN}]+"
    rf"|[^\W_{HAN}]+(?:['’][^\W_{HAN}]+)*"  # any other word
)
_HAN_RUN = re.compile(f"[{HAN}]+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_JOINT = re.compile(r"[,:/-]")

# What asks rather than names: in a question these say nothing about the passage that answers it.
_STOP_WORDS = frozenset(
    {"a", "an", "and", "are", "be", "been", "did", "do", "does", "how", "in", "is", "of", "or"}
    | {"the", "to", "was", "were", "what", "which"}
)
_STOP_HAN = re.compile(
    "什么时候|为什么|是什么|什么|哪一个|哪些|哪个|哪里|哪种|哪年|哪|多少|怎么样|怎么|怎样|如何|是否|请问|谁|吗|呢|[的了是]"
)

_local = threading.local()


def terms(text: str) -> list[str]:
    """The terms of a passage, repeated as often as they occur; none holds white space.

    English words are stemmed, numbers stay whole (`2,600` as `2600`); a number with an inner "-", "/" or
    ":" gives its parts too, so that the year of a date is found.
    """
    return _stemmed(_words(_normalised(text)))


def query_terms(text: str) -> list[str]:
    """The different terms of a question without stop words; with them if there is nothing else."""
    normalised = _normalised(text)
    telling = [word for word in _words(_STOP_HAN.sub(" ", normalised)) if word not in _STOP_WORDS]
    return list(dict.fromkeys(_stemmed(telling or _words(normalised))))


def telling_words(text: str) -> list[str]:
    """The different words of a question without stop words, Chinese runs whole, for another analyzer."""
    normalised = _normalised(text)
    telling = [word for word in _TOKEN.findall(_STOP_HAN.sub(" ", normalised)) if word not in _STOP_WORDS]
    return list(dict.fromkeys(telling or _TOKEN.findall(normalised)))


def cut_han(found: Sequence[str]) -> list[str]:
    """The same words, but of Chinese runs the single characters and the pairs."""
    return list(
        dict.fromkeys(part for word in found for part in (_parts(word) if _HAN_RUN.match(word) else [word]))
    )


def words(text: str) -> str:
    """The words of a passage before stemming, separated by blanks, for an index that uses `stemmer()`."""
    return " ".join(_words(_normalised(text)))


def stemmer() -> tantivy.TextAnalyzer:
    """Splits at blanks and stems as English (Snowball); an object may not be used by two threads at once."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return builder.filter(tantivy.Filter.stemmer("english")).build()


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _words(text: str) -> list[str]:
    found: list[str] = []
    for token in _TOKEN.findall(text):
        if token.isascii() and token.isalnum():
            found.append(token)
        elif _HAN_RUN.match(token):
            found.extend(_parts(token))
        elif token[0].isdigit():
            found.extend(_number_words(token))
        else:
            found.append(token.replace("’", "'"))
    return found


def _parts(run: str) -> list[str]:
    return [*run, *(run[begin : begin + 2] for begin in range(len(run) - 1))]


def _number_words(number: str) -> list[str]:
    if _THOUSANDS.fullmatch(number):
        return [number.replace(",", "")]
    parts = _JOINT.split(number)
    return [number, *parts] if len(parts) > 1 else [number]


def _stemmed(found: list[str]) -> list[str]:
    if not hasattr(_local, "stemmer"):
        _local.stemmer = stemmer()
    mine: tantivy.TextAnalyzer = _local.stemmer
    return mine.analyze(" ".join(found))
