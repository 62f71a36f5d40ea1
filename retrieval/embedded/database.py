"""One SQLite file: connections that threads can share, snapshots to read, transactions to write."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from urllib.parse import quote

from knowledge_base.errors import MismatchError, NotFoundError
from retrieval.embedded.schema import MIGRATIONS
from retrieval.storage import translate_errors

_BUSY_SECONDS = 30.0


class Database:
    """Connections to one file, each used by one thread at a time.

    Write-ahead logging lets readers go on while one writes. `synchronous=FULL`: what was reported done
    survives a power failure too; a transaction holds many documents, so the flush costs little.

    Args:
        file: the database; its folder exists.
        create: make it if it is not there.

    Raises:
        NotFoundError: the file is not there and `create` is false.
        MismatchError: a newer program wrote it.
        StorageError: it cannot be read or written.
    """

    def __init__(self, file: Path, create: bool) -> None:
        self.file = file
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        if not create and not file.is_file():
            raise NotFoundError(f"There is no collection in {file.parent}.", "Ingest a folder into it first.")
        with translate_errors(file):
            connection = self._connect(create)
            self._inode = os.stat(file).st_ino
            try:
                self._migrate(connection)
            except BaseException:
                connection.close()
                raise
            self._idle.put(connection)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One state of the database, whatever others commit meanwhile."""
        with translate_errors(self.file), self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it at the end of the block, or nothing."""
        with translate_errors(self.file), self._connection() as connection, _transaction(connection):
            yield connection

    @contextmanager
    def write_from(self, other: Path) -> Iterator[sqlite3.Connection]:
        """A transaction that can read another collection's database, under the name `fresh`."""
        with translate_errors(self.file), self._connection() as connection:
            connection.execute("ATTACH ? AS fresh", (str(other),))
            try:
                with _transaction(connection):
                    yield connection
            finally:
                connection.execute("DETACH fresh")

    def maintain(self) -> None:
        """Give freed pages back to the disk and fold the write-ahead log into the file."""
        with translate_errors(self.file), self._connection() as connection:
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA optimize").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close every connection that is not in use."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._require_same_file()
        try:
            connection = self._idle.get_nowait()
        except Empty:
            connection = self._connect(create=False)
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def _require_same_file(self) -> None:
        """An open file outlives its deletion: without this a deleted collection would go on answering."""
        if not self.file.exists() or os.stat(self.file).st_ino != self._inode:
            raise NotFoundError(
                f"The collection in {self.file.parent} was deleted or replaced.", "Open it again by its name."
            )

    def _connect(self, create: bool) -> sqlite3.Connection:
        mode = "rwc" if create else "rw"
        connection = sqlite3.connect(
            f"file:{quote(str(self.file))}?mode={mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # handed from thread to thread by the pool, never shared
        )
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        version = _version(connection)
        if version > len(MIGRATIONS):
            raise MismatchError(
                f"{self.file} has layout {version}; this program knows up to {len(MIGRATIONS)}.",
                "Update domainqa, or choose another folder with --home.",
            )
        if version == len(MIGRATIONS):
            return
        with _transaction(connection):
            for script in MIGRATIONS[_version(connection) :]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
