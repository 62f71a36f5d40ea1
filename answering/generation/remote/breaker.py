"""A circuit breaker: a server that keeps failing is left alone for a while, then tried by one call.

After Nygard, Release It! (2nd edition, 2018), chapter 5.
"""

import time
from collections.abc import Callable


class Breaker:
    """Closed lets every call through, open none; half-open lets one through to find out.

    For calls of one event loop. `failures` in a row open it for `pause_seconds`.
    """

    def __init__(
        self, failures: int = 5, pause_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._pause = pause_seconds
        self._clock = clock
        self._failed = 0
        self._opened = 0.0
        self._trying = False

    def refuses_for(self) -> float | None:
        """None if a call may be made now, which is then the one that finds out; else the seconds to wait."""
        if self._failed < self._limit:
            return None
        left = self._opened + self._pause - self._clock()
        if left > 0 or self._trying:
            return max(left, 0.0)
        self._trying = True
        return None

    def succeeded(self) -> None:
        """The server has answered, whatever it said."""
        self._failed = 0
        self._trying = False

    def failed(self) -> None:
        """The server did not answer, or could not."""
        self._failed += 1
        self._opened = self._clock()
        self._trying = False

    def left(self) -> None:
        """The call was given up before anything was known."""
        self._trying = False
