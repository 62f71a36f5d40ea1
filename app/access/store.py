"""Users, keys and sessions of one home, in one SQLite file that all servers of the home share.

Nothing in the cookie of a session is signed: the row says whose it is, and without the row the cookie opens
nothing. A log-out, a new password and the removal of a user therefore take effect at once, on all servers.
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.access.attempts import Attempts
from app.access.credentials import KeyText, digest, new_session, same
from app.access.database import AccessDatabase, today
from app.access.users import UserStore
from app.access.values import Grant, Key, Principal, checked_name, restored, stored
from knowledge_base.errors import InputError, NotFoundError

LIFE_SECONDS = 12 * 3600
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
                raise InputError(
                    f"A key named {name} already exists.", "Choose another name, or revoke that key."
                )
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


@dataclass(frozen=True, slots=True)
class SessionStore:
    """The sessions of one home. `clock` gives seconds since 1970."""

    database: AccessDatabase
    clock: Callable[[], float] = time.time

    def begin(self, user: str) -> str:
        """The secret of a new session, which lasts LIFE_SECONDS; those that are over are forgotten."""
        secret, now = new_session(), int(self.clock())
        with self.database.writing() as database:
            database.execute("DELETE FROM sessions WHERE expires <= ?", (now,))
            database.execute(
                "INSERT INTO sessions VALUES (?, ?, ?)", (digest(secret), user, now + LIFE_SECONDS)
            )
        return secret

    def end(self, secret: str) -> None:
        """Forget a session, if it is one."""
        with self.database.writing() as database:
            database.execute("DELETE FROM sessions WHERE digest = ?", (digest(secret),))

    def principal(self, secret: str) -> Principal | None:
        """Whose session this is, with the rights of now; None if it is nobody's or over."""
        if not self.database.exists:
            return None
        with self.database.reading() as database:
            row = database.execute(
                "SELECT users.name, role, collections FROM sessions JOIN users ON users.name = user "
                "WHERE digest = ? AND expires > ?",
                (digest(secret), int(self.clock())),
            ).fetchone()
        if row is None:
            return None
        found = restored(row["collections"])
        return Principal(row["name"], row["role"], None if found is None else frozenset(found), "user")


class AccessStore:
    """Users, keys, sessions and attempts to log in of one home; safe for many threads and processes."""

    def __init__(self, home: Path) -> None:
        database = AccessDatabase(home)
        self.keys = KeyStore(database)
        self.users = UserStore(database)
        self.sessions = SessionStore(database)
        self.attempts = Attempts(database)

    def is_empty(self) -> bool:
        """Whether nobody could log in or show a key."""
        return not self.keys.list() and not self.users.list()


def _key(row: sqlite3.Row) -> Key:
    return Key(
        row["name"],
        row["prefix"],
        row["role"],
        restored(row["collections"]),
        row["created"],
        row["last_used"],
    )
