"""An SQLite file of a home folder: opened for one piece of work at a time, checked, private."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from knowledge_base.errors import MismatchError, StorageError

_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """Safe for many threads and processes.

    Args:
        file: where it is, or will be.
        called: what messages call it, as "file of users and keys".
        repair: what to do if it is damaged and cannot be restored.
        migrations: SQL of each version of its tables, applied in order; a file of a later version is refused.
    """

    file: Path
    called: str
    repair: str
    migrations: tuple[str, ...]

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
            if version > len(self.migrations):
                raise MismatchError(
                    f"The {self.called} {self.file} was made by a newer domainqa.",
                    "Update domainqa, or use another home folder.",
                )
            if version < len(self.migrations):
                self._migrate(database)
        except BaseException:
            database.close()
            raise
        return database

    def _migrate(self, database: sqlite3.Connection) -> None:
        with database:
            database.execute("BEGIN IMMEDIATE")
            (version,) = database.execute("PRAGMA user_version").fetchone()  # another process may be done
            for statement in "".join(self.migrations[version:]).split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {len(self.migrations)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"The {self.called} {self.file} cannot be used: {error}.",
                f"Check its folder and the disk; if it is damaged, restore it from a copy, or {self.repair}.",
            ) from error
        except OSError as error:
            raise StorageError(
                f"The {self.called} {self.file} cannot be opened: {error.strerror}.",
                "Make it readable and writable for this user.",
            ) from error
