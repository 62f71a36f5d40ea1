"""The SQLite file of a home that holds users, keys and sessions: opened, checked, private."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from knowledge_base.errors import MismatchError, StorageError

FILE_NAME = "access.sqlite"
SCHEMA_VERSION = 1
_WAIT_SECONDS = 30
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS keys (
    prefix TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    digest BLOB NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'editor', 'admin')),
    collections TEXT,
    created TEXT NOT NULL,
    last_used TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    password TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('reader', 'editor', 'admin')),
    collections TEXT,
    created TEXT NOT NULL,
    last_login TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    digest BLOB PRIMARY KEY,
    user TEXT NOT NULL COLLATE NOCASE REFERENCES users (name) ON DELETE CASCADE,
    expires INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS failures (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    count INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
COMMIT;
"""


class AccessDatabase:
    """Opens the file for one piece of work at a time; safe for many threads and processes."""

    def __init__(self, home: Path) -> None:
        self.file = home / FILE_NAME

    @property
    def exists(self) -> bool:
        """Whether anybody was ever given access."""
        return self.file.exists()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to the file, which is made if need be.

        Raises StorageError if it is damaged or cannot be used, MismatchError if a newer program made it.
        """
        with self._translated(), closing(self._connected()) as database:
            yield database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same within a transaction that begins at once, so that what it reads stays true."""
        with self.reading() as database, database:
            database.execute("BEGIN IMMEDIATE")
            yield database

    def _connected(self) -> sqlite3.Connection:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.touch(mode=0o600, exist_ok=True)
        database = sqlite3.connect(self.file, timeout=_WAIT_SECONDS, isolation_level=None)
        try:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA foreign_keys = ON")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise MismatchError(
                    f"The file of users and keys {self.file} was made by a newer domainqa.",
                    "Update domainqa, or use another home folder.",
                )
            if version < SCHEMA_VERSION:
                database.executescript(_SCHEMA)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"The file of users and keys {self.file} cannot be used: {error}.",
                "Check its folder and the disk; if it is damaged, restore it from a copy, or remove it and "
                "make users and keys anew.",
            ) from error
        except OSError as error:
            raise StorageError(
                f"The file of users and keys {self.file} cannot be opened: {error.strerror}.",
                "Make it readable and writable for this user.",
            ) from error


def today() -> str:
    """The day in UTC: as exact as the last use of a key is noted."""
    return datetime.now(UTC).date().isoformat()
