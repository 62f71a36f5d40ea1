"""Keys of programs: made, listed, revoked, recognised."""

import sqlite3
from dataclasses import dataclass

from app.access.database import AccessDatabase, today
from app.access.grants import Grant, checked_name, restored, stored
from app.access.tokens import KeyText, digest, same
from app.access.values import Key, Principal
from knowledge_base.errors import InputError, NotFoundError

_NOBODY = digest("")  # compared with where no key is, so that a wrong prefix takes as long as a wrong secret


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The keys of one home."""

    database: AccessDatabase

    def create(self, name: str, grant: Grant) -> str:
        """Store a new key, and return its text: it can never be shown again.

        Raises InputError for a name that cannot be used or is taken.
        """
        text = KeyText.new()
        row = (text.prefix, checked_name(name), digest(text.secret), grant.role, stored(grant.collections))
        with self.database.writing() as database:
            if database.execute("SELECT 1 FROM keys WHERE name = ?", (name,)).fetchone():
                raise InputError(f"There is a key {name} already.", "Choose another, or revoke it.")
            database.execute(
                "INSERT INTO keys (prefix, name, digest, role, collections, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (*row, today()),
            )
        return str(text)

    def list(self) -> list[Key]:
        """All keys by name."""
        if not self.database.exists:
            return []
        with self.database.reading() as database:
            return [_key(row) for row in database.execute("SELECT * FROM keys ORDER BY name")]

    def revoke(self, name: str) -> None:
        """Forget a key: the next request with it is refused. NotFoundError if there is none."""
        with self.database.writing() as database:
            if not database.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount:
                raise NotFoundError(f"There is no key {name}.", "See `domainqa keys list`.")

    def principal(self, text: str) -> Principal | None:
        """Whose key this is, with the day noted; None if it is nobody's."""
        key = KeyText.parsed(text)
        if key is None or not self.database.exists:
            return None
        with self.database.reading() as database:
            row = database.execute("SELECT * FROM keys WHERE prefix = ?", (key.prefix,)).fetchone()
            if not same(digest(key.secret), row["digest"] if row else _NOBODY):
                return None
            if row["last_used"] != today():
                database.execute("UPDATE keys SET last_used = ? WHERE prefix = ?", (today(), key.prefix))
        found = restored(row["collections"])
        return Principal(row["name"], row["role"], None if found is None else frozenset(found), "key")


def _key(row: sqlite3.Row) -> Key:
    return Key(
        row["name"],
        row["prefix"],
        row["role"],
        restored(row["collections"]),
        row["created"],
        row["last_used"],
    )
