"""The truth of a collection: documents, passages and vectors in SQLite, changed in transactions."""

import json
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge_base.notes import notes_as_json
from knowledge_base.values import Document
from retrieval.collections import Fingerprint, Stats, content_of, program_version, require_same
from retrieval.embedded.database import Database
from retrieval.embedded.snapshot import Snapshot
from retrieval.values import day_of

FILE_NAME = "collection.sqlite"

FIRST_ROW = "UPDATE documents SET first_row = (SELECT min(row) FROM passages WHERE document = id)"


class Transaction:
    """Changes of one revision; they become visible together when the transaction ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        before = Snapshot(connection)
        self.fingerprint = before.fingerprint
        self._revision = before.revision + 1
        self._is_advanced = False

    def put_vectors(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep vectors by the content hash of their text."""
        rows = ((content, vector.astype("<f4").tobytes()) for content, vector in vectors.items())
        self._connection.executemany("INSERT OR IGNORE INTO vectors (content, vector) VALUES (?, ?)", rows)

    def put(self, document: Document) -> None:
        """Store a document, in place of the one of the same path; its vectors are there already."""
        day_of(document.modified)  # refused here rather than by a projection, which must take what is stored
        self.remove(document.path)
        number = self._connection.execute(
            "INSERT INTO documents (path, source, digest, title, format, size, modified, passages, notes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                document.path,
                document.source,
                document.digest,
                document.title,
                document.format,
                document.size,
                document.modified,
                len(document.passages),
                notes_as_json(document.notes),
            ),
        ).lastrowid
        self._connection.execute("INSERT INTO texts VALUES (?, ?)", (number, document.text))
        self._connection.executemany(
            "INSERT INTO passages"
            " (document, ordinal, text, first, last, title, heading, page, ocr, vector, revision)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM vectors WHERE content = ?), ?)",
            (
                (
                    number,
                    passage.ordinal,
                    passage.text,
                    passage.start,
                    passage.end,
                    passage.title,
                    json.dumps(passage.heading, ensure_ascii=False),
                    passage.page,
                    passage.ocr,
                    content_of(passage.indexed_text),
                    self._revision,
                )
                for passage in document.passages
            ),
        )
        self._connection.execute(FIRST_ROW + " WHERE id = ?", (number,))
        self._advance()

    def remove(self, path: str) -> None:
        """Remove a document with its passages, leaving tombstones; one that is not there is ignored."""
        found = self._connection.execute("SELECT id FROM documents WHERE path = ?", (path,)).fetchone()
        if found is None:
            return
        self._connection.execute(
            "INSERT INTO removed SELECT row, ? FROM passages WHERE document = ?", (self._revision, found[0])
        )
        self._connection.execute("DELETE FROM documents WHERE id = ?", found)
        self._advance()

    def remember_chunking(self, chunking: str) -> None:
        """Write down the chunking settings of a collection that has none yet."""
        self._connection.execute("UPDATE collection SET chunking = ?", (chunking,))

    def _advance(self) -> None:
        if self._is_advanced:
            return
        self._is_advanced = True
        self._connection.execute(
            "UPDATE collection SET revision = ?, program = ?", (self._revision, program_version())
        )


class Store:
    """One collection's database.

    Args:
        folder: the collection's folder.
        fingerprint: what it is made with; a missing database is created, an existing one must
            have been made with the same. None opens whatever is there.

    Raises:
        NotFoundError: there is no database and `fingerprint` is None.
        MismatchError: the collection was made with something else, or by a newer program.
        StorageError: it cannot be read or written.
    """

    def __init__(self, folder: Path, fingerprint: Fingerprint | None = None) -> None:
        self._folder = folder
        self._database = Database(folder / FILE_NAME, create=fingerprint is not None)
        self._fingerprint: Fingerprint | None = None
        if fingerprint is None:
            return
        try:
            self._adopt(fingerprint)
        except BaseException:
            self.close()
            raise
        self._fingerprint = fingerprint

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One state of the collection to read from."""
        with self._database.read() as connection:
            snapshot = Snapshot(connection)
            self._require_same_fingerprint(snapshot.fingerprint)
            yield snapshot

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Changes that become visible together, or not at all; call with the writer lock held."""
        with self._database.write() as connection:
            transaction = Transaction(connection)
            self._require_same_fingerprint(transaction.fingerprint)
            yield transaction

    def stats(self) -> Stats:
        """Counts and sizes."""
        with self.snapshot() as snapshot:
            return Stats(
                documents=snapshot.document_count(),
                passages=snapshot.passage_count(),
                vectors=snapshot.vector_count(),
                revision=snapshot.revision,
                fingerprint=snapshot.fingerprint,
                stored_bytes=_stored_bytes(self._folder),
            )

    def compact(self) -> int:
        """Drop the vectors that no passage uses; returns how many. Call with the writer lock held."""
        with self._database.write() as connection:
            dropped = connection.execute(
                "DELETE FROM vectors WHERE id NOT IN (SELECT vector FROM passages)"
            ).rowcount
        self._database.maintain()
        return dropped

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def _adopt(self, fingerprint: Fingerprint) -> None:
        """Write down the fingerprint of a new collection, or compare with the one that is written."""
        with self._database.write() as connection:
            if connection.execute("SELECT 1 FROM collection").fetchone() is None:
                connection.execute(
                    "INSERT INTO collection VALUES (1, ?, ?, ?, ?, ?, ?, 0)",
                    (
                        uuid.uuid4().hex,
                        program_version(),
                        fingerprint.embedder,
                        fingerprint.digest,
                        fingerprint.dimension,
                        fingerprint.chunking,
                    ),
                )
            written = Snapshot(connection).fingerprint
            if fingerprint.chunking and not written.chunking:
                Transaction(connection).remember_chunking(fingerprint.chunking)
        require_same(self._folder.name, written, fingerprint)

    def _require_same_fingerprint(self, written: Fingerprint) -> None:
        """Another process may have rebuilt the collection since it was opened."""
        if self._fingerprint is not None:
            require_same(self._folder.name, written, self._fingerprint)


def _stored_bytes(folder: Path) -> int:
    files = (*folder.glob("*"), *folder.glob("lexical/*"))
    return sum(file.stat().st_size for file in files if file.is_file())
