"""Counts what a generator reads and writes, for those who run it."""

import threading
from typing import Literal

Kind = Literal["prompt", "cached", "completion"]


class TokenCounts:
    """Tokens since a generator was made, by OpenAI's words. Safe for many threads.

    "prompt" are those of all prompts, "cached" those of them that were read before and cost nothing,
    "completion" those that were written.
    """

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {"prompt": 0, "cached": 0, "completion": 0}
        self._lock = threading.Lock()

    def add(self, *, prompt: int = 0, cached: int = 0, completion: int = 0) -> None:
        """Count some more."""
        with self._lock:
            self._counts["prompt"] += prompt
            self._counts["cached"] += cached
            self._counts["completion"] += completion

    def totals(self) -> dict[Kind, int]:
        """All so far."""
        with self._lock:
            return dict(self._counts)
