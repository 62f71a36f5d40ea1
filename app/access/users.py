"""Users of the page: added, listed, removed, given another password, and logged in."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.access.attempts import ANYWHERE, Attempts, Source
from app.access.credentials import hashed, matches
from app.access.database import AccessDatabase, today
from app.access.values import Grant, User, checked_name, restored, stored
from knowledge_base.errors import InputError, NotFoundError


class RefusedError(InputError):
    """The name or the password is wrong; which of them is not told."""


@dataclass(frozen=True, slots=True)
class UserStore:
    """The users of one home. `clock` gives seconds since 1970."""

    database: AccessDatabase
    clock: Callable[[], float] = time.time

    def add(self, name: str, password: str, grant: Grant) -> None:
        """Store a new user; InputError for a name that is taken or cannot be used, or a weak password."""
        row = (checked_name(name), hashed(password), grant.role, stored(grant.collections), today())
        with self.database.writing() as database:
            if database.execute("SELECT 1 FROM users WHERE name = ?", (name,)).fetchone():
                raise InputError(
                    f"A user named {name} already exists.", "Choose another name, or remove that user."
                )
            database.execute(
                "INSERT INTO users (name, password, role, collections, created) VALUES (?, ?, ?, ?, ?)", row
            )

    def list(self) -> list[User]:
        """All users by name."""
        if not self.database.exists:
            return []
        with self.database.reading() as database:
            return [_user(row) for row in database.execute("SELECT * FROM users ORDER BY name")]

    def change_password(self, name: str, password: str) -> None:
        """Give a user another password, and end the sessions that began with the old one.

        Raises NotFoundError if there is no such user, InputError for a weak password.
        """
        made = hashed(password)
        with self.database.writing() as database:
            if not database.execute("UPDATE users SET password = ? WHERE name = ?", (made, name)).rowcount:
                raise _unknown(name)
            database.execute("DELETE FROM sessions WHERE user = ?", (name,))
            database.execute("DELETE FROM devices WHERE user = ?", (name,))
        Attempts(self.database, self.clock).forget(name)

    def remove(self, name: str) -> None:
        """Forget a user with all sessions; NotFoundError if there is none."""
        with self.database.writing() as database:
            if not database.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount:
                raise _unknown(name)

    def check(self, name: str, password: str, source: Source = ANYWHERE) -> str:
        """The name, as it is stored, of a user whose password this is; the day is noted.

        Raises RefusedError if it is not, TooManyFailuresError while it has to wait after wrong ones.
        """
        attempts = Attempts(self.database, self.clock)
        attempts.begin(name, source)
        with self.database.reading() as database:
            row = database.execute("SELECT name, password FROM users WHERE name = ?", (name,)).fetchone()
        if not matches(password, row["password"] if row else None):
            raise RefusedError("The name or the password is wrong.", "Try again.")
        attempts.succeed(name, source)
        with self.database.reading() as database:
            database.execute("UPDATE users SET last_login = ? WHERE name = ?", (today(), name))
        return str(row["name"])


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"There is no user {name}.", "See `domainqa users list`.")


def _user(row: sqlite3.Row) -> User:
    return User(row["name"], row["role"], restored(row["collections"]), row["created"], row["last_login"])
