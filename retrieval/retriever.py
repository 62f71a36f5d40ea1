"""From questions to ranked passages: both retrievers, fused, reranked, diversified, cached by revision."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from knowledge_base.characters import ordinary
from knowledge_base.errors import InputError
from knowledge_base.values import CatalogueEntry, Document
from retrieval.fusion import Ranked, Reranker, diversify, fuse, rerank
from retrieval.values import NO_FILTER, Candidates, Filter, Index

__all__ = ["Ranked", "Retrieval", "Retriever", "SearchSettings"]

_CACHED_SEARCHES = 1000


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How many passages each retriever gives, and how many come back."""

    depth: int = 50
    k: int = 5


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for one question: the final order and the candidates of each retriever."""

    question: str
    ranked: tuple[Ranked, ...]
    candidates: Candidates
    seconds: float


_Key = tuple[int, str, Filter, int]

# Called after each search with the number of its questions, and how many of them the cache answered.
OnSearch = Callable[[int, int], None]


def silent(_questions: int, _cached: int) -> None:
    """Nobody counts."""


class Retriever:
    """Searches one collection. Thread-safe where its index is.

    Results are kept by the collection's revision, so a changed collection never serves an old one.
    """

    def __init__(
        self,
        index: Index,
        settings: SearchSettings | None = None,
        reranker: Reranker | None = None,
        on_search: OnSearch = silent,
    ) -> None:
        self._index = index
        self._settings = settings or SearchSettings()
        self._reranker = reranker
        self._on_search = on_search
        self._cache: OrderedDict[_Key, Retrieval] = OrderedDict()
        self._lock = threading.Lock()

    def search(
        self, questions: Sequence[str], k: int | None = None, limit: Filter = NO_FILTER
    ) -> list[Retrieval]:
        """For each question its best `k` passages under `limit`, best first.

        Questions are embedded together. Raises InputError for an empty question or k below 1.
        """
        wanted = self._settings.k if k is None else k
        if wanted < 1:
            raise InputError(f"{wanted} passages were asked for.", "Ask for at least one.")
        if not all(question.strip() for question in questions):
            raise InputError("The question is empty.", "Write a question.")
        questions = [ordinary(question) for question in questions]
        revision = self._index.revision
        found = {q: self._cached((revision, q, limit, wanted)) for q in dict.fromkeys(questions)}
        missing = [question for question, kept in found.items() if kept is None]
        for result in self._look_up(missing, wanted, limit):
            self._keep((result.candidates.revision, result.question, limit, wanted), result)
            found[result.question] = result
        self._on_search(len(found), len(found) - len(missing))
        return [kept for question in questions if (kept := found[question]) is not None]

    @property
    def revision(self) -> int:
        """The revision of the collection, which increases with every change."""
        return self._index.revision

    def document(self, path: str) -> Document:
        """A document of the collection with its text and passages; NotFoundError if it is not there."""
        return self._index.document(path)

    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """Every document of the collection by its path."""
        return self._index.catalogue()

    def _look_up(self, questions: Sequence[str], k: int, limit: Filter) -> list[Retrieval]:
        if not questions:
            return []
        started = time.perf_counter()
        candidates = self._index.search(questions, max(self._settings.depth, k), limit)
        orders = [
            self._order(question, found, k) for question, found in zip(questions, candidates, strict=True)
        ]
        each = (time.perf_counter() - started) / len(questions)
        return [
            Retrieval(question, ranked, found, each)
            for question, ranked, found in zip(questions, orders, candidates, strict=True)
        ]

    def _order(self, question: str, candidates: Candidates, k: int) -> tuple[Ranked, ...]:
        ranked = fuse(question, candidates)
        if self._reranker is not None:
            ranked = rerank(question, ranked, self._reranker)
        return tuple(diversify(ranked)[:k])

    def _cached(self, key: _Key) -> Retrieval | None:
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
            return self._cache.get(key)

    def _keep(self, key: _Key, result: Retrieval) -> None:
        with self._lock:
            self._cache[key] = result
            while len(self._cache) > _CACHED_SEARCHES:
                self._cache.popitem(last=False)
