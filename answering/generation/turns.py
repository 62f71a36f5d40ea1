"""One at a time, in the order of asking: a fair queue for the model."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from answering.generation.protocol import Cancelled, never

_POLL_SECONDS = 0.05


class Turns:
    """A fair lock whose holder may change threads.

    A page hands an answer's iterator from thread to thread, so a turn belongs to a ticket and not, as with
    `threading.Lock` and its kin, to whichever thread came first.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._queue: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """How many wait behind the one that has the turn."""
        with self._changed:
            return max(len(self._queue) - 1, 0)

    @contextmanager
    def take(self, cancelled: Cancelled = never) -> Iterator[bool]:
        """Wait for the turn and hold it inside the block; False if `cancelled` came first."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            yield self._wait(ticket, cancelled)
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _wait(self, ticket: object, cancelled: Cancelled) -> bool:
        while not cancelled():
            with self._changed:
                if self._queue[0] is ticket or self._changed.wait_for(
                    lambda: self._queue[0] is ticket, _POLL_SECONDS
                ):
                    return True
        return False
