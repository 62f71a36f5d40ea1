"""Users of the page: added, listed, removed, given another password, and logged in.

After some wrong passwords a name has to wait, each time longer, up to a minute.
"""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.access.credentials import hashed, matches
from app.access.database import AccessDatabase, today
from app.access.values import Grant, User, checked_name, restored, stored
from knowledge_base.errors import BusyError, InputError, NotFoundError

_FREE = 5  # wrong passwords before the first wait
_LONGEST_SECONDS = 60  # not longer: somebody who knows a name could lock its owner out
_FORGOTTEN_SECONDS = 3600
_LONGEST_NAME = 64


class TooManyFailuresError(BusyError):
    """A name has to wait. `seconds` is how long."""

    def __init__(self, seconds: int) -> None:
        super().__init__("There were too many wrong passwords.", f"Try again in {seconds} seconds.")
        self.seconds = seconds


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
            database.execute("DELETE FROM failures WHERE name = ?", (name,))

    def remove(self, name: str) -> None:
        """Forget a user with all sessions; NotFoundError if there is none."""
        with self.database.writing() as database:
            if not database.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount:
                raise _unknown(name)

    def check(self, name: str, password: str) -> str:
        """The name, as it is stored, of a user whose password this is; the day is noted.

        Raises RefusedError if it is not, TooManyFailuresError while the name has to wait after wrong ones.
        """
        failures = Failures(self.database, self.clock)
        failures.attempt(name)
        with self.database.reading() as database:
            row = database.execute("SELECT name, password FROM users WHERE name = ?", (name,)).fetchone()
        if not matches(password, row["password"] if row else None):
            raise RefusedError("The name or the password is wrong.", "Try again.")
        failures.forget(name)
        with self.database.reading() as database:
            database.execute("UPDATE users SET last_login = ? WHERE name = ?", (today(), name))
        return str(row["name"])


@dataclass(frozen=True, slots=True)
class Failures:
    """Counts wrong passwords by name, known or not, in the file that all servers of the home share."""

    database: AccessDatabase
    clock: Callable[[], float]

    def attempt(self, name: str) -> None:
        """Count an attempt as wrong before it is known to be, so that many at once gain nothing.

        Raises TooManyFailuresError while the name has to wait. What was long ago is forgotten.
        """
        now, name = int(self.clock()), name[:_LONGEST_NAME]
        with self.database.writing() as database:
            row = database.execute("SELECT count, last FROM failures WHERE name = ?", (name,)).fetchone()
            if row and (left := row["last"] + _pause(row["count"]) - now) > 0:
                raise TooManyFailuresError(left)
            database.execute("DELETE FROM failures WHERE last < ?", (now - _FORGOTTEN_SECONDS,))
            database.execute(
                "INSERT INTO failures VALUES (?, 1, ?) "
                "ON CONFLICT (name) DO UPDATE SET count = count + 1, last = excluded.last",
                (name, now),
            )

    def forget(self, name: str) -> None:
        """The right password was given."""
        with self.database.reading() as database:
            database.execute("DELETE FROM failures WHERE name = ?", (name[:_LONGEST_NAME],))


def _pause(count: int) -> int:
    """Seconds to wait after so many wrong passwords."""
    return 0 if count < _FREE else min(2 ** (count - _FREE + 1), _LONGEST_SECONDS)


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"There is no user {name}.", "See `domainqa users list`.")


def _user(row: sqlite3.Row) -> User:
    return User(row["name"], row["role"], restored(row["collections"]), row["created"], row["last_login"])
