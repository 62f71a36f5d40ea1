"""Work that a browser session started: it goes on in a thread, shows what is ready, and can be stopped."""

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
Emit = Callable[[T], None]
Cancelled = Callable[[], bool]
Work = Callable[[Emit[T], Cancelled], None]

_BEAT_SECONDS = 0.06  # how often the page is redrawn while text arrives: faster is not seen


class Runs:
    """All work in progress, by the session that started it.

    Args:
        workers: pieces of work that may go on at once; more wait for their turn.
    """

    def __init__(self, workers: int = 16) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="page")
        self._stops: dict[str, set[threading.Event]] = defaultdict(set)
        self._lock = threading.Lock()

    def run(self, session: str, work: Work[T]) -> Iterator[list[T]]:
        """Start `work(emit, cancelled)` and give what it emits, everything that is ready at a time.

        Ends with the work or, at once, when the session is stopped; an error of the work is raised here.
        Closing the iterator stops the work too.
        """
        ready: queue.SimpleQueue[T] = queue.SimpleQueue()
        with self._stoppable(session) as stop:
            future = self._pool.submit(work, ready.put, stop.is_set)
            yield from _batches(future, ready, stop)

    def stop(self, session: str) -> None:
        """Tell everything that the session started to end."""
        with self._lock:
            for stop in self._stops.get(session, ()):
                stop.set()

    def close(self) -> None:
        """Tell everything to end, and take no more work."""
        with self._lock:
            for stops in self._stops.values():
                for stop in stops:
                    stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def active(self) -> int:
        """Pieces of work whose session still looks at them."""
        with self._lock:
            return sum(len(stops) for stops in self._stops.values())

    @contextmanager
    def _stoppable(self, session: str) -> Iterator[threading.Event]:
        stop = threading.Event()
        with self._lock:
            self._stops[session].add(stop)
        try:
            yield stop
        finally:
            stop.set()
            with self._lock:
                self._stops[session].discard(stop)
                if not self._stops[session]:
                    del self._stops[session]


def _batches(
    future: "Future[None]", ready: "queue.SimpleQueue[T]", stop: threading.Event
) -> Iterator[list[T]]:
    while not stop.is_set():
        wait([future], timeout=_BEAT_SECONDS)
        done = future.done()  # asked before draining: what is emitted before the end is then seen
        batch = _drain(ready)
        if batch:
            yield batch
        if done:
            future.result()
            return
    future.cancel()


def _drain(ready: "queue.SimpleQueue[T]") -> list[T]:
    batch: list[T] = []
    while not ready.empty():
        batch.append(ready.get_nowait())
    return batch
