"""The SQLite file of a home that holds users, keys and sessions."""

from datetime import UTC, datetime
from pathlib import Path

from app.sqlite_file import SqliteFile

_SCHEMA = """
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
"""
_DEVICES = """
CREATE TABLE devices (
    digest BLOB PRIMARY KEY,
    user TEXT NOT NULL COLLATE NOCASE REFERENCES users (name) ON DELETE CASCADE,
    expires INTEGER NOT NULL
) STRICT;
"""


class AccessDatabase(SqliteFile):
    """Users, keys, sessions, known browsers and failed log-ins of one home."""

    def __init__(self, home: Path) -> None:
        repair = "remove it and make users and keys anew"
        super().__init__(home / "access.sqlite", "file of users and keys", repair, (_SCHEMA, _DEVICES))

    @property
    def exists(self) -> bool:
        """Whether anybody was ever given access."""
        return self.file.exists()


def today() -> str:
    """The day in UTC: as exact as the last use of a key is noted."""
    return datetime.now(UTC).date().isoformat()
