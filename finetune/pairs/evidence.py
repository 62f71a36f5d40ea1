"""Checks that the evidence of a pair is in the document that it names, and contains the answer."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from finetune.metrics import answer_tokens
from finetune.pairs.values import Evidence, Pair
from finetune.reasons import Reason
from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage
from retrieval.analysis import content_terms, numbers_of, share

# What cannot be expected to stand in a document word for word.
_REPLIES = "yes no true false 是 否 是的 不是 有 没有 可以 不可以 能 不能 会 不会 要 不要 对 不对"
_YES_OR_NO = frozenset(_REPLIES.split())
_MOSTLY = 0.5
_INVISIBLE = dict.fromkeys(map(ord, "\xad\u200b\u200c\u200d\u2060\ufeff"))


def squeezed(text: str) -> str:
    """A text for comparison: without white space and invisible characters, one form of each character."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_INVISIBLE).lower().split())


class Library:
    """The texts of a collection's documents by path, squeezed when they are first asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._squeezed: dict[str, str] = {}

    def __contains__(self, document: str) -> bool:
        return document in self._texts

    def text(self, document: str) -> str:
        """The document's text as it is; KeyError if there is none."""
        return self._texts[document]

    def holds(self, document: str, quote: str) -> bool:
        """Whether a document contains a quote, ignoring white space; KeyError without such a document."""
        if document not in self._squeezed:
            self._squeezed[document] = squeezed(self._texts[document])
        return squeezed(quote) in self._squeezed[document]

    def where(self, quote: str) -> str:
        """The first document, by path, that contains a quote; "" if none does."""
        return next((path for path in sorted(self._texts) if self.holds(path, quote)), "")


def with_evidence_that_holds(pair: Pair, library: Library) -> Pair | Reason:
    """The pair with only those places that hold its answer, or why there is none.

    A quote without a document is given the first document that contains it. A pair without evidence stays
    as it is.
    """
    if not pair.evidence:
        return pair
    places = [_checked(place, pair, library) for place in pair.evidence]
    good = tuple(place for place in places if isinstance(place, Evidence))
    doubts = [place for place in places if isinstance(place, Reason)]
    return replace(pair, evidence=tuple(dict.fromkeys(good))) if good else doubts[0]


def _checked(place: Evidence, pair: Pair, library: Library) -> Evidence | Reason:
    if not place.document:
        place = replace(place, document=library.where(place.quote))
        if not place.document:
            return Reason("evidence_nowhere", {"quote": _short(place.quote)})
    if place.document not in library:
        return Reason("document_unknown", {"document": place.document})
    if place.quote and not library.holds(place.document, place.quote):
        return Reason("evidence_not_there", {"document": place.document, "quote": _short(place.quote)})
    text = place.quote or library.text(place.document)
    if pair.answerable and not any(supports(text, answer) for answer in pair.answers):
        return Reason("answer_not_in_evidence", {"answer": _short(pair.answers[0])})
    return place


def supports(text: str, answer: str) -> bool:
    """Whether a text contains an answer: word for word, or its numbers and at least half of its words.

    Any text contains yes and no.
    """
    if answer.strip().rstrip(".。!！").lower() in _YES_OR_NO or stands_in(answer, text):
        return True
    return (
        numbers_of(answer) <= numbers_of(text)
        and share(content_terms(answer), content_terms(text)) >= _MOSTLY
    )


def stands_in(answer: str, text: str) -> bool:
    """Whether a text contains an answer word for word, ignoring case, punctuation and white space."""
    if not answer_tokens(answer):
        return squeezed(answer) in squeezed(text)
    return _encoded_tokens(answer) in _encoded_tokens(text)


@lru_cache(maxsize=128)  # many pairs ask about one document, one after the other
def _encoded_tokens(text: str) -> str:
    return "\0" + "\0".join(answer_tokens(text)) + "\0"


def sentence_holding(answer: str, question: str, text: str) -> str:
    """The sentence of a text that holds an answer, of several the one nearest to the question; "" if none."""
    sentences = [text[start:end] for start, end in sentence_spans(text)]
    holding = [sentence for sentence in sentences if stands_in(answer, sentence)]
    asked = content_terms(question)
    return max(holding, key=lambda sentence: share(asked, content_terms(sentence)), default="")


def located(pair: Pair, found: Sequence[Passage]) -> Pair | Reason:
    """A pair with the first of the passages found for its question that holds its answer as its evidence.

    A pair that has evidence, no answer, or only a yes or no stays as it is.
    """
    if pair.evidence or all(answer.lower().rstrip(".。!！") in _YES_OR_NO for answer in pair.answers):
        return pair
    for passage in found:
        for answer in pair.answers:
            sentence = sentence_holding(answer, pair.question, passage.text)
            if sentence or supports(passage.text, answer):
                return replace(pair, evidence=(Evidence(passage.document, sentence),))
    return Reason("answer_not_found", {"answer": _short(pair.answers[0])})


def _short(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
