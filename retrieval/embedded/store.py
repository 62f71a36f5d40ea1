"""The database of a collection: documents, passages and vectors in SQLite, changed in transactions."""

import json
import os
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import NotFoundError
from knowledge_base.notes import notes_as_json
from knowledge_base.values import Document
from retrieval.collections import Fingerprint, Stats, content_of, program_version, require_same
from retrieval.embedded.snapshot import Snapshot
from retrieval.storage import Database, translate_errors
from retrieval.values import day_of

FILE_NAME = "collection.sqlite"
# A database that was started this long ago and has not appeared was left by a killed process.
_UNFINISHED_SECONDS = 60

_FIRST_ROW = "UPDATE documents SET first_row = (SELECT min(row) FROM passages WHERE document = id)"


MIGRATIONS = (
    # 1: documents, their passages and vectors, one generation counter, tombstones for the projections.
    # `texts` is apart from `documents` so that the catalogue reads no text. Row ids of documents and
    # passages are never used twice (AUTOINCREMENT), so a projection can never mistake a new row for an
    # old one. A document's passages have the consecutive row ids from `first_row` on. A vector belongs to a
    # content hash, not to a passage: a renamed file finds its vectors.
    """
    CREATE TABLE collection (
        one        INTEGER PRIMARY KEY CHECK (one = 1),
        identity   TEXT    NOT NULL,
        program    TEXT    NOT NULL,
        embedder   TEXT    NOT NULL,
        digest     TEXT    NOT NULL,
        dimension  INTEGER NOT NULL,
        chunking   TEXT    NOT NULL,
        generation INTEGER NOT NULL
    );
    CREATE TABLE documents (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        path      TEXT    NOT NULL UNIQUE,
        source    TEXT    NOT NULL,
        digest    TEXT    NOT NULL,
        title     TEXT    NOT NULL,
        format    TEXT    NOT NULL,
        size      INTEGER NOT NULL,
        modified  TEXT    NOT NULL,
        passages  INTEGER NOT NULL,
        first_row INTEGER
    );
    CREATE TABLE texts (
        document INTEGER PRIMARY KEY REFERENCES documents(id) ON DELETE CASCADE,
        text     TEXT    NOT NULL
    );
    CREATE TABLE vectors (
        id      INTEGER PRIMARY KEY,
        content TEXT    NOT NULL UNIQUE,
        vector  BLOB    NOT NULL
    );
    CREATE TABLE passages (
        row        INTEGER PRIMARY KEY AUTOINCREMENT,
        document   INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
        ordinal    INTEGER NOT NULL,
        text       TEXT    NOT NULL,
        first      INTEGER NOT NULL,
        last       INTEGER NOT NULL,
        title      TEXT    NOT NULL,
        heading    TEXT    NOT NULL,
        page       INTEGER,
        vector     INTEGER NOT NULL REFERENCES vectors(id),
        generation INTEGER NOT NULL,
        UNIQUE (document, ordinal)
    );
    CREATE INDEX passages_by_vector ON passages(vector);
    CREATE INDEX passages_by_generation ON passages(generation);
    CREATE TABLE removed (
        row        INTEGER PRIMARY KEY,
        generation INTEGER NOT NULL
    );
    CREATE INDEX removed_by_generation ON removed(generation);
    """,
    # 2: what was not read of a document, as JSON, and how sure OCR was of a passage.
    """
    ALTER TABLE documents ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE passages ADD COLUMN ocr REAL;
    """,
    # 3: the counter of changes is called what it is.
    """
    ALTER TABLE collection RENAME COLUMN generation TO revision;
    ALTER TABLE passages RENAME COLUMN generation TO revision;
    ALTER TABLE removed RENAME COLUMN generation TO revision;
    """,
)

# A rebuilt collection takes the place of the old one; the old passages leave tombstones.
_COPY = (
    "INSERT INTO removed SELECT row, :revision FROM main.passages",
    "DELETE FROM main.documents",
    "DELETE FROM main.vectors",
    "INSERT INTO main.vectors (content, vector) SELECT content, vector FROM fresh.vectors",
    """
    INSERT INTO main.documents (path, source, digest, title, format, size, modified, passages, notes)
    SELECT path, source, digest, title, format, size, modified, passages, notes FROM fresh.documents
    """,
    """
    INSERT INTO main.texts (document, text)
    SELECT d.id, t.text FROM fresh.texts t
    JOIN fresh.documents f ON f.id = t.document JOIN main.documents d ON d.path = f.path
    """,
    """
    INSERT INTO main.passages
        (document, ordinal, text, first, last, title, heading, page, ocr, vector, revision)
    SELECT d.id, p.ordinal, p.text, p.first, p.last, p.title, p.heading, p.page, p.ocr, v.id, :revision
    FROM fresh.passages p
    JOIN fresh.documents f ON f.id = p.document JOIN main.documents d ON d.path = f.path
    JOIN fresh.vectors w ON w.id = p.vector JOIN main.vectors v ON v.content = w.content
    ORDER BY p.row
    """,
    _FIRST_ROW,
    """
    UPDATE main.collection SET (embedder, digest, dimension, chunking) =
        (SELECT embedder, digest, dimension, chunking FROM fresh.collection),
        revision = :revision, program = :program
    """,
)


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
        self._connection.execute(_FIRST_ROW + " WHERE id = ?", (number,))
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
        self._fingerprint = fingerprint
        file = folder / FILE_NAME
        if not file.is_file():
            if fingerprint is None:
                raise NotFoundError(f"There is no collection in {folder}.", "Ingest a folder into it first.")
            _create(file, fingerprint)
        self._database = Database(file, MIGRATIONS, create=False)
        if fingerprint is not None:
            try:
                self._adopt(fingerprint)
            except BaseException:
                self.close()
                raise

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

    def replace_contents(self, fresh: Path) -> None:
        """Take the documents, vectors and fingerprint of the collection in `fresh`, in one transaction.

        Call with the writer lock held and nobody using `fresh`.
        """
        with self._database.write_from(fresh / FILE_NAME) as connection:
            (revision,) = connection.execute("SELECT revision + 1 FROM main.collection").fetchone()
            values = {"revision": revision, "program": program_version()}
            for statement in _COPY:
                connection.execute(statement, values)
        self._database.maintain()

    def _adopt(self, fingerprint: Fingerprint) -> None:
        """Compare with what the collection was made with, and write down what nobody had said."""
        with self._database.read() as connection:
            written = _fingerprint_in(connection)
        if written is None or (fingerprint.chunking and not written.chunking):
            with self._database.write() as connection:
                _write_fingerprint(connection, fingerprint)
                written = Snapshot(connection).fingerprint
        require_same(self._folder.name, written, fingerprint)

    def _require_same_fingerprint(self, written: Fingerprint) -> None:
        """Another process may have rebuilt the collection since it was opened."""
        if self._fingerprint is not None:
            require_same(self._folder.name, written, self._fingerprint)


def _stored_bytes(folder: Path) -> int:
    files = (*folder.glob("*"), *folder.glob("dense/*"), *folder.glob("lexical/*"))
    return sum(file.stat().st_size for file in files if file.is_file())


def _create(file: Path, fingerprint: Fingerprint) -> None:
    """Make a database that is complete when it appears; one that another process made meanwhile stays."""
    with translate_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
        for left in file.parent.glob(f".{FILE_NAME}-*"):  # of killed processes
            with suppress(FileNotFoundError):  # of a process that has finished meanwhile
                if time.time() - left.stat().st_mtime > _UNFINISHED_SECONDS:
                    left.unlink()
    fresh = file.with_name(f".{FILE_NAME}-{uuid.uuid4().hex}")
    database = Database(fresh, MIGRATIONS)
    try:
        with database.write() as connection:
            _write_fingerprint(connection, fingerprint)
        database.maintain()
        database.close()
        with translate_errors(file):
            _appear(fresh, file)
    finally:
        database.close()
        for name in (fresh.name, f"{fresh.name}-wal", f"{fresh.name}-shm"):
            fresh.with_name(name).unlink(missing_ok=True)


def _appear(fresh: Path, file: Path) -> None:
    """Give a complete file its name, unless another process was first."""
    try:
        os.link(fresh, file)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        if not file.exists():
            fresh.rename(file)


def _write_fingerprint(connection: sqlite3.Connection, fingerprint: Fingerprint) -> None:
    """Write down what a collection is made with, as far as nobody has done so yet."""
    if _fingerprint_in(connection) is None:
        made = (uuid.uuid4().hex, program_version(), fingerprint.embedder, fingerprint.digest)
        row = (*made, fingerprint.dimension, fingerprint.chunking)
        connection.execute("INSERT INTO collection VALUES (1, ?, ?, ?, ?, ?, ?, 0)", row)
    elif fingerprint.chunking:
        connection.execute("UPDATE collection SET chunking = ? WHERE chunking = ''", (fingerprint.chunking,))


def _fingerprint_in(connection: sqlite3.Connection) -> Fingerprint | None:
    found = connection.execute("SELECT embedder, digest, dimension, chunking FROM collection").fetchone()
    return None if found is None else Fingerprint(*found)
