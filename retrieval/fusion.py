"""Joins the dense and the lexical retriever so that each helps and neither can ruin the other.

Each retriever's scores are standardised over its own hits and added (score normalisation after Montague &
Aslam 2001, "Relevance score normalization for metasearch"). Reciprocal rank fusion would throw away how
clearly a first place stands out: measured with `benchmarks/retrieval.py` on XQuAD, recall@1 is .951
by ranks and .960 by standardised scores in English, .938 and .945 in Chinese.

A retriever can be uninformative: keywords for a question in another language, or an embedder that does not
know the language. Its first places are noise, and standardised noise looks like evidence. So:
- the lexical retriever is weighted by how many of the question's words its best hit holds;
- the dense one loses weight if it ranks a best hit that holds the question's words nowhere near the top.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, pstdev
from typing import Protocol

from knowledge_base.characters import HAN
from knowledge_base.errors import ModelError
from knowledge_base.values import Passage
from retrieval.analysis import query_terms, terms
from retrieval.values import Candidates, Embedder, Hit

# Half of the words of a question stand in the passage that answers it, in the same language (5th
# percentile .38–.43 on XQuAD); across languages at most names and numbers do (95th percentile .33).
_INFORMATIVE_COVERAGE = 0.33
_COVERAGE_WIDTH = 0.04
# The dense retriever confirms the keywords' best hit if it is among the first of its hits …
_NEAR_THE_TOP = 20
# … and otherwise keeps this much of its weight: it may still be right about a paraphrase.
_DISTRUSTED = 0.3
# The spread of a retriever's scores is at least this share of its best score, so that a handful of
# equal scores is not blown up into differences.
_LEAST_SPREAD = 0.01
_NOT_FOUND = -1.0


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage in the final order, and how each retriever ranked it.

    `score` is the fused score (or the reranker's); ranks count from 1 and are None where the retriever did
    not find the passage; `dense_score` is a cosine, `lexical_score` BM25, 0.0 where not found.
    """

    passage: Passage
    score: float
    dense_rank: int | None = None
    dense_score: float = 0.0
    lexical_rank: int | None = None
    lexical_score: float = 0.0


@dataclass(frozen=True, slots=True)
class _Place:
    rank: int
    score: float
    standard: float


def fuse(question: str, candidates: Candidates) -> list[Ranked]:
    """All passages that either retriever found, best first; ties keep the dense order."""
    dense, lexical = _places(candidates.dense), _places(candidates.lexical)
    dense_weight, lexical_weight = retriever_weights(question, candidates)
    passages = {hit.passage.id: hit.passage for hit in (*candidates.dense, *candidates.lexical)}
    ranked = [
        _ranked(passage, dense.get(key), lexical.get(key), (dense_weight, lexical_weight))
        for key, passage in passages.items()
    ]
    return sorted(ranked, key=lambda entry: -entry.score)


def retriever_weights(question: str, candidates: Candidates) -> tuple[float, float]:
    """Weights of the dense and the lexical retriever for this question, each in 0…1."""
    if not candidates.lexical:
        return 1.0, 0.0
    best = candidates.lexical[0].passage
    lexical = _informative(_coverage(question, best))
    near = any(hit.passage.id == best.id for hit in candidates.dense[:_NEAR_THE_TOP])
    return (1.0 if near else 1.0 - (1.0 - _DISTRUSTED) * lexical), lexical


def _coverage(question: str, passage: Passage) -> float:
    asked = set(query_terms(question))
    return len(asked & set(terms(passage.indexed_text))) / len(asked) if asked else 0.0


def _informative(coverage: float) -> float:
    return 1 / (1 + math.exp((_INFORMATIVE_COVERAGE - coverage) / _COVERAGE_WIDTH))


def _places(hits: Sequence[Hit]) -> dict[str, _Place]:
    if not hits:
        return {}
    scores = [hit.score for hit in hits]
    spread = max(pstdev(scores), _LEAST_SPREAD * abs(max(scores)), 1e-9)
    mean = fmean(scores)
    return {
        hit.passage.id: _Place(rank, hit.score, max((hit.score - mean) / spread, _NOT_FOUND))
        for rank, hit in enumerate(hits, 1)
    }


def _ranked(
    passage: Passage, dense: _Place | None, lexical: _Place | None, weights: tuple[float, float]
) -> Ranked:
    standards = (dense.standard if dense else _NOT_FOUND, lexical.standard if lexical else _NOT_FOUND)
    return Ranked(
        passage=passage,
        score=sum(weight * standard for weight, standard in zip(weights, standards, strict=True)),
        dense_rank=dense.rank if dense else None,
        dense_score=dense.score if dense else 0.0,
        lexical_rank=lexical.rank if lexical else None,
        lexical_score=lexical.score if lexical else 0.0,
    )


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


# A cross-encoder reads each passage in full, so only the head of the fused order is worth its time.
_READ = 20


class Reranker(Protocol):
    """Scores passages against a question; higher is better."""

    @property
    def id(self) -> str:
        """The model's name."""
        ...

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score for each text."""
        ...


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder from a local folder, which is also its `id` if none is given."""

    def __init__(self, folder: str, device: str = "cpu", id: str = "") -> None:
        """Load the model; raises ModelError if the folder does not hold a cross-encoder."""
        from sentence_transformers import CrossEncoder

        self.id = id or folder
        try:
            self._model = CrossEncoder(folder, device=device)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"The reranker {folder} cannot be loaded: {error}.",
                "Name a folder or hub id of a cross-encoder, or leave the setting `reranker` empty.",
            ) from error

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One relevance score for each text, as the model gives it."""
        pairs = [(question, text) for text in texts]
        return [float(score) for score in self._model.predict(pairs, show_progress_bar=False)]


class CosineReranker:
    """A bi-encoder in the place of a cross-encoder: cosines of the question and the texts."""

    def __init__(self, embedder: Embedder) -> None:
        self.id = embedder.id
        self._embedder = embedder

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """The cosine of each text and the question."""
        vectors = self._embedder.embed(texts, "passage") @ self._embedder.embed([question], "query")[0]
        return [float(cosine) for cosine in vectors]


def rerank(question: str, ranked: Sequence[Ranked], reranker: Reranker) -> list[Ranked]:
    """Order the head of `ranked` by the reranker's scores, the rest behind it as it was."""
    head, tail = ranked[:_READ], ranked[_READ:]
    if not head:
        return []
    scores = reranker.score(question, [entry.passage.indexed_text for entry in head])
    scored = [replace(entry, score=score) for entry, score in zip(head, scores, strict=True)]
    return [*sorted(scored, key=lambda entry: -entry.score), *tail]
