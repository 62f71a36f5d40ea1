"""The index of one collection in Elasticsearch, which stores and searches it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from knowledge_base.errors import InputError, NotFoundError
from knowledge_base.values import CatalogueEntry, Document
from retrieval.analysis import cut_chinese, query_words
from retrieval.collections import (
    Chunking,
    OnWait,
    embed_texts,
    fingerprint_of,
    ignore_wait,
    require_document,
    require_same,
    texts_by_content,
)
from retrieval.elasticsearch.change import Change, known_vectors
from retrieval.elasticsearch.cluster import ANALYZER, Cluster, error_of
from retrieval.elasticsearch.layout import ADDED_FIELDS, Vector
from retrieval.elasticsearch.lease import Lease
from retrieval.elasticsearch.state import State, adopt_fingerprint, read_state
from retrieval.elasticsearch.view import (
    changing_too_quickly,
    dense_body,
    dense_hits,
    lexical_body,
    lexical_hits,
    open_view,
)
from retrieval.values import NO_FILTER, Candidates, Embedder, Filter, Vectors, day_of

_PATIENCE_SECONDS = 10.0
_QUESTIONS_AT_ONCE = 50
_PATHS_AT_ONCE = 5000
_TRIES = 10
_HEADER = {"allow_partial_search_results": False}


class ElasticsearchIndex:
    """Fulfils `Index`; safe for many threads, and for several processes on any machines.

    Args:
        cluster: where it is.
        alias: the alias of an index that exists.
        name: what the collection is called in messages.
        embedder: turns passages and questions into vectors; a collection accepts only the one that made it.
        chunking: the settings its passages are made with, if the caller will add some; compared likewise.

    Raises:
        MismatchError: the collection was made with another embedder or chunking.
        UnavailableError: the cluster does not answer.
    """

    def __init__(
        self, cluster: Cluster, alias: str, name: str, embedder: Embedder, chunking: Chunking | None = None
    ) -> None:
        self._cluster = cluster
        self._alias = alias
        self._name = name
        self._embedder = embedder
        self._fingerprint = fingerprint_of(embedder, chunking)
        self._lease = Lease(cluster, alias, name)
        self._has_fields = False
        adopt_fingerprint(cluster, alias, name, self._fingerprint)

    @property
    def revision(self) -> int:
        """Grows with every change of the collection, whoever made it."""
        return self._state().revision

    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """Every document by its path."""
        with open_view(self._cluster, self._alias) as view:
            return view.catalogue()

    def document(self, path: str) -> Document:
        """One document with its text and passages; NotFoundError if it is not there."""
        with open_view(self._cluster, self._alias) as view:
            return require_document(view.document(path), path, self._name)

    @contextmanager
    def writing(
        self, wait_seconds: float = _PATIENCE_SECONDS, on_wait: OnWait = ignore_wait
    ) -> Iterator[None]:
        """Hold the collection for a run of changes; `add` and `delete` alone hold it for themselves.

        Raises BusyError, naming the holder, if another one still holds it after `wait_seconds`.
        """
        with self._lease.acquire(wait_seconds, on_wait):
            yield

    def add(self, documents: Sequence[Document]) -> None:
        """Store documents, each in place of the one of its path, visible together; embeds what is new."""
        if not documents:
            return
        for document in documents:
            day_of(document.modified)
        latest = list({document.path: document for document in documents}.values())
        with self.writing():
            self._add_fields()
            state = self._state()
            vectors = self._vectors(latest)
            self._change().put(state, latest, vectors)

    def delete(self, paths: Sequence[str]) -> None:
        """Remove documents with all their passages; a path that is not there is ignored."""
        if not paths:
            return
        with self.writing():
            for first in range(0, len(paths), _PATHS_AT_ONCE):
                self._change().remove(self._state(), paths[first : first + _PATHS_AT_ONCE])

    def compact(self) -> None:
        """Delete what is no longer seen. Called at the end of a synchronisation: until then a renamed file
        finds its vectors again.
        """
        with self.writing():
            self._change().sweep(self._state())

    def search(self, questions: Sequence[str], depth: int, limit: Filter = NO_FILTER) -> list[Candidates]:
        """For each question the best `depth` passages of each retriever, under the same filter."""
        if depth < 1:
            raise InputError(f"A search of depth {depth} finds nothing.", "Ask for at least one passage.")
        if not questions:
            return []
        queries = embed_texts(self._embedder, questions, "query")
        for _ in range(_TRIES):
            state = self._state()
            found: list[Candidates] = []
            for first in range(0, len(questions), _QUESTIONS_AT_ONCE):
                some = slice(first, first + _QUESTIONS_AT_ONCE)
                found += self._search(questions[some], queries[some], depth, limit, state)
            if self._state() == state:
                return found
        raise changing_too_quickly()

    def close(self) -> None:
        """Nothing to release: the cluster is shared."""

    def _search(
        self, questions: Sequence[str], queries: Vectors, depth: int, limit: Filter, state: State
    ) -> list[Candidates]:
        """Dense and lexical search of all questions in one round trip."""
        hidden = state.hidden()
        searches: list[Mapping[str, object]] = []
        for question, vector in zip(questions, queries, strict=True):
            searches += [_HEADER, dense_body(vector, depth, limit, hidden)]
            searches += [_HEADER, lexical_body(self._words(question, state), depth, limit, hidden)]
        answers = self._cluster.read(lambda: self._multiple(searches))
        return [
            Candidates(dense_hits(dense), lexical_hits(lexical), state.revision)
            for dense, lexical in zip(answers[::2], answers[1::2], strict=True)
        ]

    def _words(self, question: str, state: State) -> list[str]:
        """The words of a question for the analyzer; ours finds single Chinese characters and their pairs."""
        words = query_words(question, state.form)
        return cut_chinese(words) if self._cluster.settings.analyzer == ANALYZER else words

    def _multiple(self, searches: Sequence[Mapping[str, object]]) -> list[Mapping[str, Any]]:
        answer = self._cluster.client.msearch(index=self._alias, searches=searches)
        for one in answer["responses"]:
            if "error" in one:
                raise error_of(answer.meta, int(one["status"]), one)
        return list(answer["responses"])

    def _vectors(self, documents: Sequence[Document]) -> dict[str, Vector]:
        """The vectors of all passages by content hash: those that are known, and newly embedded ones."""
        texts = texts_by_content(documents)
        vectors = known_vectors(self._cluster, self._alias, list(texts))
        missing = [content for content in texts if content not in vectors]
        if missing:
            fresh = embed_texts(self._embedder, [texts[content] for content in missing], "passage")
            vectors.update(zip(missing, fresh, strict=True))
        return vectors

    def _add_fields(self) -> None:
        """Give an index of an earlier version the fields that it lacks, before the first change."""
        if not self._has_fields:
            fields = {name: dict(field) for name, field in ADDED_FIELDS.items()}
            self._cluster.write(
                lambda: self._cluster.client.indices.put_mapping(index=self._alias, properties=fields)
            )
            self._has_fields = True

    def _change(self) -> Change:
        return Change(self._cluster, self._alias, self._lease)

    def _state(self) -> State:
        """The present state; since it was opened, the collection may have been rebuilt or deleted."""
        state = read_state(self._cluster, self._alias)
        if state is None:
            raise NotFoundError(
                f"There is no collection {self._name} any more.",
                f"Create it with: domainqa ingest FOLDER --collection {self._name}",
            )
        require_same(self._name, state.fingerprint, self._fingerprint)
        return state
