"""Something that takes seconds to load is loaded by whoever needs it first, and only once."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Calls `make` at the first call and keeps what it gives; other threads wait. An error is not kept."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[T] | None = None
        self._lock = threading.Lock()

    @property
    def made(self) -> T | None:
        """What was made, or None if nobody needed it yet."""
        return self._made[0] if self._made else None

    def __call__(self) -> T:
        """The one value; raises what `make` raises."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = (self._make(),)
        return self._made[0]
