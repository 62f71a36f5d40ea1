"""Wrong passwords: after some of them a name has to wait, each time longer, up to a minute."""

from collections.abc import Callable
from dataclasses import dataclass

from app.access.database import AccessDatabase
from knowledge_base.errors import BusyError

_FREE = 5  # wrong passwords before the first wait
_LONGEST_SECONDS = 60  # not longer: somebody who knows a name could lock its owner out
_FORGOTTEN_SECONDS = 3600
_LONGEST_NAME = 64


class TooManyFailuresError(BusyError):
    """A name has to wait. `seconds` is how long."""

    def __init__(self, seconds: int) -> None:
        super().__init__("There were too many wrong passwords.", f"Try again in {seconds} seconds.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Failures:
    """Counts wrong passwords by name, known or not, in the file that all copies of the server share."""

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
