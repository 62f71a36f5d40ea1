"""What happened lately, for all copies of the server that share a home: texts by id, the oldest forgotten."""

from dataclasses import dataclass
from pathlib import Path

from app.sqlite_file import SqliteFile

# SQLite, since the home holds such files already and needs no further server for it.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;
"""
_PUT = """
INSERT INTO records (kind, id, owner, body) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, body = excluded.body
"""
_FORGET = """
DELETE FROM records WHERE kind = ?1 AND number <= (
    SELECT number FROM records WHERE kind = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2
)
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A text, and the copy of the server that it belongs to."""

    body: str
    owner: str


class Lately:
    """Records of one kind. Safe for many threads and processes.

    Args:
        home: whose file it is.
        kind: what these records are; others in the same file are not seen.
        keep: how many are remembered.
    """

    def __init__(self, home: Path, kind: str, keep: int) -> None:
        repair = "remove it: it only holds what happened lately"
        self._file = SqliteFile(home / "lately.sqlite", "file of what happened lately", repair, _SCHEMA)
        self._kind = kind
        self._keep = keep

    def put(self, record_id: str, body: str, owner: str = "") -> None:
        """Write a record, in place of one of the same id; StorageError if the file cannot be written."""
        with self._file.writing() as database:
            database.execute(_PUT, (self._kind, record_id, owner, body))
            database.execute(_FORGET, (self._kind, self._keep))

    def get(self, record_id: str) -> Record | None:
        """A record; None if there is none, or none any more."""
        with self._file.reading() as database:
            row = database.execute(
                "SELECT body, owner FROM records WHERE kind = ? AND id = ?", (self._kind, record_id)
            ).fetchone()
        return Record(row["body"], row["owner"]) if row else None
