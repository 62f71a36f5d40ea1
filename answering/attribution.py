"""Finds the sentence of a passage that carries each sentence of an answer.

Support is computed, not claimed by the model. Two measures agree on it: how much of the sentence's
wording the candidate holds (lexical), and how close both are to the embedder (semantic), which also sees
a paraphrase. A number that neither the candidate nor the title and headings above it hold rules it out,
whatever the rest says: most wrong answers of a small model are a neighbouring figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from answering.values import Citation, Sentence
from knowledge_base.sentences import sentence_spans
from retrieval.analysis import content_terms, numbers_of, share, supporting_terms
from retrieval.context import Embed, Packed

# Cosines of multilingual-e5-small lie between about .75 (unrelated) and .95 (same statement).
_UNRELATED, _SAME = 0.75, 0.95
# Enough candidates by wording that the true one is among them; each costs one short embedding.
_CANDIDATES = 6
_SUPPORTED = 0.6
# Share of what a sentence newly says that the candidate itself must hold before the title and headings above
# it count as its words: "In 2026 the gold card costs 200" stands in the row "Gold; 200" of "Fees 2026".
_NEW_HELD = 0.5


@dataclass(frozen=True, slots=True)
class _Candidate:
    packed: Packed
    start: int
    end: int
    text: str
    units: frozenset[str]
    numbers: frozenset[str]


def attribute(
    question: str, answer: str, read: Sequence[Packed], embed: Embed
) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    """Cut `answer` into sentences and cite, for each, the one sentence of `read` that carries it best.

    Args:
        question: breaks ties between candidates that hold the answer's words equally well.
        read: the passages the model read, the one it answered from first.
        embed: texts to unit vectors [n, dimension].

    Returns:
        The sentences with their citation numbers, and the citations, numbered from 1 in order of use.
    """
    candidates = [candidate for packed in read for candidate in _candidates(packed)]
    sentences: list[Sentence] = []
    citations: list[Citation] = []
    for start, end in sentence_spans(answer):
        text = answer[start:end]
        found = _best(question, text, candidates, embed)
        sentences.append(Sentence(text, (_number(found, citations),) if found else ()))
    return tuple(sentences), tuple(citations)


def _candidates(packed: Packed) -> list[_Candidate]:
    passage = packed.passage
    shown = passage.text[: packed.end - passage.start]
    return [
        _Candidate(
            packed, passage.start + start, passage.start + end, text, supporting_terms(text), numbers_of(text)
        )
        for start, end in sentence_spans(shown)
        for text in (shown[start:end],)
    ]


def _best(question: str, sentence: str, candidates: Sequence[_Candidate], embed: Embed) -> Citation | None:
    wanted, numbers, asked = content_terms(sentence), numbers_of(sentence), content_terms(question)
    possible = [c for c in candidates if numbers <= c.numbers | numbers_of(_title(c))]
    if not possible or not wanted:
        return None
    held = [_held(wanted, asked, candidate) for candidate in possible]
    wording = [
        carried + 0.3 * share(asked, candidate.units | _above(candidate))
        for carried, candidate in zip(held, possible, strict=True)
    ]
    order = sorted(range(len(possible)), key=lambda place: -wording[place])[:_CANDIDATES]
    vectors = embed([f"{question} {sentence}", *(possible[place].text for place in order)])
    nearness = np.clip((vectors[1:] @ vectors[0] - _UNRELATED) / (_SAME - _UNRELATED), 0.0, 1.0)
    scores = [0.75 * wording[place] + 0.25 * float(near) for place, near in zip(order, nearness, strict=True)]
    top = max(range(len(order)), key=lambda place: scores[place])
    support = 0.75 * held[order[top]] + 0.25 * float(nearness[top])
    return _citation(possible[order[top]], support) if support >= _SUPPORTED else None


def _held(wanted: frozenset[str], asked: frozenset[str], candidate: _Candidate) -> float:
    """Share of a sentence's words that a candidate carries."""
    above = _above(candidate)
    new = wanted - asked - above
    is_meant = bool(new) and share(new, candidate.units) >= _NEW_HELD
    return share(wanted, candidate.units | above if is_meant else candidate.units)


def _above(candidate: _Candidate) -> frozenset[str]:
    return supporting_terms(_title(candidate))


def _title(candidate: _Candidate) -> str:
    passage = candidate.packed.passage
    return " ".join((passage.title, *passage.heading))


def _citation(candidate: _Candidate, support: float) -> Citation:
    passage = candidate.packed.passage
    return Citation(
        number=0,
        passage_id=passage.id,
        document=passage.document,
        title=passage.title,
        page=passage.page,
        start=candidate.start,
        end=candidate.end,
        quote=candidate.text,
        support=round(min(support, 1.0), 3),
    )


def _number(found: Citation, citations: list[Citation]) -> int:
    """The number of this place, giving it the next one where it is cited for the first time."""
    for citation in citations:
        if (citation.passage_id, citation.start) == (found.passage_id, found.start):
            return citation.number
    citations.append(replace(found, number=len(citations) + 1))
    return len(citations)
