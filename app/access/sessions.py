"""Sessions of the page: a random secret in a cookie, its digest with the user in the shared file.

Nothing is signed, since nothing is told by the cookie: the row says whose it is, and without it the cookie
opens nothing. A log-out, another password and the removal of a user therefore count at once, for all copies.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.access.database import AccessDatabase
from app.access.grants import restored
from app.access.tokens import digest, new_session
from app.access.values import Principal

LIFE_SECONDS = 12 * 3600


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
