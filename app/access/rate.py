"""How often a key may be used: a bucket of tokens for each, which fills again evenly."""

import math
import threading
import time
from collections.abc import Callable


class RateLimit:
    """Counts in this process alone: each of several servers allows the whole number.

    Args:
        per_minute: requests of one key in a minute; so many may come at once.
        clock: seconds that only go forward.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = per_minute
        self._per_second = per_minute / 60
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait(self, name: str) -> int:
        """Take a token; 0 if there was one, else the whole seconds until there is."""
        now = self._clock()
        with self._lock:
            tokens, then = self._buckets.get(name, (float(self._size), now))
            tokens = min(self._size, tokens + (now - then) * self._per_second)
            if tokens < 1:
                return math.ceil((1 - tokens) / self._per_second)
            self._buckets[name] = (tokens - 1, now)
            return 0
