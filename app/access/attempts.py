"""Slows the guessing of passwords without locking a user out.

Wrong passwords are counted by name and address, by address, and by name, in the file that all servers of the
home share; after some of them the next attempt has to wait, each time longer, up to a minute. A browser in
which its user has logged in before proves that by a cookie and has a count of its own: whatever others try
under the same name or from the same address, its user need not wait. (OWASP, "Slow Down Online Guessing
Attacks with Device Cookies".)
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from app.access.credentials import digest, new_session
from app.access.database import AccessDatabase
from knowledge_base.errors import BusyError

DEVICE_SECONDS = 365 * 24 * 3600
_FREE = 5  # wrong passwords of one name from one address, or in one known browser, before the first wait
_FREE_OF_ADDRESS = 20  # an office may share an address
_FREE_OF_NAME = 50  # from many addresses
_LONGEST_SECONDS = 60
_FORGOTTEN_SECONDS = 3600
_LONGEST_NAME = 64
_COUNT = """
INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE SET count = count + 1, last = excluded.last
"""


class TooManyFailuresError(BusyError):
    """The next attempt has to wait. `seconds` is how long."""

    def __init__(self, seconds: int) -> None:
        super().__init__("There were too many wrong passwords.", f"Try again in {seconds} seconds.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attempt comes from: a network address, and the secret in the browser's cookie, if any."""

    address: str = ""
    device: str = ""


ANYWHERE = Source()


@dataclass(frozen=True, slots=True)
class Attempts:
    """Counts wrong passwords of one home. `clock` gives seconds since 1970."""

    database: AccessDatabase
    clock: Callable[[], float] = time.time

    def begin(self, name: str, source: Source) -> None:
        """Count an attempt as wrong before it is known to be, so that many at once gain nothing.

        Raises TooManyFailuresError while it has to wait. What was long ago is forgotten.
        """
        now = int(self.clock())
        with self.database.writing() as database:
            counts = self._counts(database, name, source)
            if left := max(_left(database, count, free, now) for count, free in counts):
                raise TooManyFailuresError(left)
            database.execute("DELETE FROM failures WHERE last < ?", (now - _FORGOTTEN_SECONDS,))
            database.executemany(_COUNT, [(count, now) for count, _ in counts])

    def succeed(self, name: str, source: Source) -> None:
        """The password was right: forget the nearest count, and take this attempt from the wider ones."""
        with self.database.writing() as database:
            nearest, *wider = [count for count, _ in self._counts(database, name, source)]
            database.execute("DELETE FROM failures WHERE name = ?", (nearest,))
            database.executemany(
                "UPDATE failures SET count = count - 1 WHERE name = ?", [(c,) for c in wider]
            )

    def forget(self, name: str) -> None:
        """A user has another password: nobody has to wait for the old one."""
        with self.database.writing() as database:
            mine = ("name " + name, "near % " + name)
            database.execute("DELETE FROM failures WHERE name = ? OR name LIKE ?", mine)

    def new_device(self, user: str) -> str:
        """The secret for a browser in which a user has logged in; those that are over are forgotten."""
        secret, now = new_session(), int(self.clock())
        with self.database.writing() as database:
            database.execute("DELETE FROM devices WHERE expires <= ?", (now,))
            database.execute(
                "INSERT INTO devices VALUES (?, ?, ?)", (digest(secret), user, now + DEVICE_SECONDS)
            )
        return secret

    def _counts(self, database: sqlite3.Connection, name: str, source: Source) -> Sequence[tuple[str, int]]:
        """The counts that an attempt is part of, the nearest first, each with what is free of it."""
        name, device = name[:_LONGEST_NAME], digest(source.device)
        known = "SELECT 1 FROM devices WHERE digest = ? AND user = ? AND expires > ?"
        if database.execute(known, (device, name, int(self.clock()))).fetchone():
            return [(f"device {device.hex()}", _FREE)]
        place = _network(source.address)
        return [
            (f"near {place} {name}", _FREE),
            (f"address {place}", _FREE_OF_ADDRESS),
            (f"name {name}", _FREE_OF_NAME),
        ]


def _left(database: sqlite3.Connection, count: str, free: int, now: int) -> int:
    """Seconds that are left to wait by one of the counts."""
    row = database.execute("SELECT count, last FROM failures WHERE name = ?", (count,)).fetchone()
    if row is None or row["count"] < free:
        return 0
    pause = min(2 ** min(row["count"] - free + 1, 10), _LONGEST_SECONDS)
    return max(0, int(row["last"] + pause - now))


def _network(address: str) -> str:
    """What counts as one address: of IPv6 a network of 64 bits, which one household or machine has."""
    try:
        bits = 64 if isinstance(ip_address(address), IPv6Address) else 32
        return str(ip_network(f"{address}/{bits}", strict=False))
    except ValueError:
        return "unknown"
