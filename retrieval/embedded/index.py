"""The embedded index of one collection: SQLite stores it, FAISS and tantivy search it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from knowledge_base.errors import InputError, StorageError
from knowledge_base.values import CatalogueEntry, Document, Passage
from retrieval.collections import (
    Chunking,
    OnWait,
    Stats,
    embed_texts,
    fingerprint_of,
    ignore_wait,
    require_document,
    texts_by_content,
)
from retrieval.embedded.dense import DenseProjection
from retrieval.embedded.lexical import LexicalProjection
from retrieval.embedded.lock import WriterLock
from retrieval.embedded.projection import Found
from retrieval.embedded.store import Store
from retrieval.values import NO_FILTER, Candidates, Embedder, Filter, Hit

LOCK_NAME = "lock"

_PATIENCE_SECONDS = 10.0
_EMBEDDED_TOGETHER = 128


class EmbeddedIndex:
    """Fulfils `Index`; safe for many threads, and for several processes on the same folder.

    Args:
        folder: the collection's folder; made if it is not there.
        embedder: turns passages and questions into vectors; a collection accepts only the one that made it.
        chunking: the settings its passages are made with, if the caller will add some; compared likewise.

    Raises:
        MismatchError: the collection was made with another embedder, chunking or a newer program.
        StorageError: the folder cannot be read or written, or the database is damaged.
    """

    def __init__(self, folder: Path, embedder: Embedder, chunking: Chunking | None = None) -> None:
        self._folder = folder
        self._embedder = embedder
        self._store = Store(folder, fingerprint_of(embedder, chunking))
        self._lock = WriterLock(folder / LOCK_NAME)
        self._dense = DenseProjection(folder, embedder.dimension)
        self._lexical = LexicalProjection(folder)
        self._projections = (self._dense, self._lexical)

    @property
    def revision(self) -> int:
        """Grows with every change of the collection, whoever made it."""
        with self._store.snapshot() as snapshot:
            return snapshot.revision

    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """Every document by its path."""
        with self._store.snapshot() as snapshot:
            return snapshot.catalogue()

    def document(self, path: str) -> Document:
        """One document with its text and passages; NotFoundError if it is not there."""
        with self._store.snapshot() as snapshot:
            return require_document(snapshot.document(path), path, self._folder.name)

    def stats(self) -> Stats:
        """Counts and sizes."""
        return self._store.stats()

    @contextmanager
    def writing(
        self, wait_seconds: float = _PATIENCE_SECONDS, on_wait: OnWait = ignore_wait
    ) -> Iterator[None]:
        """Hold the collection for a run of changes; `add` and `delete` alone hold it for themselves.

        Raises BusyError, naming the holder, if another one still holds it after `wait_seconds`.
        """
        with self._lock.acquire(wait_seconds, on_wait):
            yield

    def add(self, documents: Sequence[Document]) -> None:
        """Store documents, each in place of the one of its path, visible together; embeds what is new."""
        if not documents:
            return
        with self.writing():
            self._embed_new(documents)
            with self._store.transaction() as transaction:
                for document in documents:
                    transaction.put(document)

    def delete(self, paths: Sequence[str]) -> None:
        """Remove documents with all their passages; a path that is not there is ignored."""
        if not paths:
            return
        with self.writing(), self._store.transaction() as transaction:
            for path in paths:
                transaction.remove(path)

    def compact(self) -> None:
        """Forget vectors that no passage uses, and save the projections if that spares work later.

        Called at the end of a synchronisation: until then a renamed file finds its vectors again. Nothing of
        what was removed is left in any file of the collection afterwards.
        """
        with self.writing():
            self._store.compact()
            for projection in self._projections:
                with projection.lock, self._store.snapshot() as snapshot:
                    projection.catch_up(snapshot)
                    if projection.holds_removed and not projection.is_worth_saving:
                        projection.forget_saved()
                    elif projection.is_worth_saving:
                        if projection.holds_removed:
                            projection.renew(snapshot)
                        projection.save()

    def search(self, questions: Sequence[str], depth: int, limit: Filter = NO_FILTER) -> list[Candidates]:
        """For each question the best `depth` passages of each retriever, under the same filter.

        All of them show one revision of the collection, the present one.
        """
        if depth < 1:
            raise InputError(f"A search of depth {depth} finds nothing.", "Ask for at least one passage.")
        if not questions:
            return []
        queries = embed_texts(self._embedder, questions, "query")
        with ExitStack() as stack:
            with self._dense.lock, self._lexical.lock:
                snapshot = stack.enter_context(self._store.snapshot())
                for projection in self._projections:
                    projection.catch_up(snapshot)
                lexical = self._lexical.view()
                allowed = None if limit.is_empty else snapshot.rows_within(limit)
                by_vector = self._dense.search(queries, depth, allowed)
                is_worth_saving = any(projection.is_worth_saving for projection in self._projections)
            by_term = [lexical.search(question, depth, limit) for question in questions]
            passages = snapshot.passages({row for found in (*by_vector, *by_term) for row, _ in found})
        if is_worth_saving:
            self._save_if_free()
        return [
            Candidates(_hits(dense, passages), _hits(terms, passages), snapshot.revision)
            for dense, terms in zip(by_vector, by_term, strict=True)
        ]

    def close(self) -> None:
        """Release files; everything is written already."""
        for projection in self._projections:
            projection.close()
        self._store.close()

    def _embed_new(self, documents: Sequence[Document]) -> None:
        """Store vectors of the texts that have none yet, as they come: a kill costs the last few."""
        texts = texts_by_content(documents)
        with self._store.snapshot() as snapshot:
            missing = snapshot.missing_vectors(texts)
        for first in range(0, len(missing), _EMBEDDED_TOGETHER):
            some = missing[first : first + _EMBEDDED_TOGETHER]
            vectors = embed_texts(self._embedder, [texts[content] for content in some], "passage")
            with self._store.transaction() as transaction:
                transaction.put_vectors(dict(zip(some, vectors, strict=True)))

    def _save_if_free(self) -> None:
        """Spare the next process some work; a search does not fail for want of disk space or of rights."""
        with self._lock.acquire_if_free() as ours:
            for projection in self._projections if ours else ():
                with projection.lock, suppress(StorageError):
                    if projection.is_worth_saving and not projection.holds_removed:
                        projection.save()


def _hits(found: Found, passages: Mapping[int, Passage]) -> tuple[Hit, ...]:
    """What was found and still exists."""
    return tuple(Hit(passages[row], score) for row, score in found if row in passages)
