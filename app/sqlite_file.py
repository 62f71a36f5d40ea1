"""The SQLite files of a home folder beside its collections: private, and rows that know their columns."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retrieval.storage import Database


class SqliteFile(Database):
    """Safe for many threads and processes; a copy of the file is a backup.

    Args:
        file: where it is, or will be.
        called: what messages call it, as "file of users and keys".
        repair: what to do if it is damaged and cannot be restored.
        migrations: SQL of each version of its tables, applied in order.
    """

    def __init__(self, file: Path, called: str, repair: str, migrations: tuple[str, ...]) -> None:
        advice = f"This is the {called}: restore it from a copy, or {repair}."
        super().__init__(file, migrations, private=True, wal=False, repair=advice)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to the file, which is made if need be; raises as `Database` does."""
        with self.connection() as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same within a transaction that begins at once, so that what it reads stays true."""
        with self.write() as connection:
            connection.row_factory = sqlite3.Row
            yield connection
