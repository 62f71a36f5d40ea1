"""Questions of programs: so many at once, so long, and ended when the client has gone."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from app.generation.protocol import Cancelled
from knowledge_base.errors import BusyError, UnavailableError

T = TypeVar("T")
Start = Callable[[Cancelled], Iterator[T]]

_LOOK_SECONDS = 0.1  # how soon it is seen that a client has gone


class Queue:
    """Lets at most `most` requests wait or be answered at once, each for at most `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._inside = 0

    @property
    def inside(self) -> int:
        """Requests that wait or are being answered."""
        return self._inside

    async def whole(self, request: Request, start: Start[T]) -> list[T]:
        """Everything that `start` gives, in the order it came.

        Raises BusyError if too many are waiting, UnavailableError after too long.
        """
        return [piece async for piece in self._pieces(request, start)]

    async def begun(self, request: Request, start: Start[T]) -> AsyncIterator[T]:
        """What `start` gives, as it comes; what is wrong is raised here, before the first piece.

        Raises as `whole`; closing the iterator ends the work.
        """
        pieces = self._pieces(request, start)
        first = await anext(pieces, None)

        async def chained() -> AsyncIterator[T]:
            try:
                if first is not None:
                    yield first
                async for piece in pieces:
                    yield piece
            finally:
                await pieces.aclose()

        return chained()

    async def _pieces(self, request: Request, start: Start[T]) -> AsyncGenerator[T, None]:
        stop = threading.Event()
        found: Iterator[T] = iter(())
        with self._place(), _set_when_gone(request, stop), _set_after(self._seconds, stop):
            try:
                # A thread is never left alone: told to stop, it comes back soon, and is waited for.
                found = await run_in_threadpool(start, stop.is_set)
                while (piece := await run_in_threadpool(next, found, None)) is not None:
                    if stop.is_set():
                        break
                    yield piece
                if stop.is_set():
                    raise UnavailableError(
                        f"The answer was not ready after {self._seconds:g} seconds.",
                        "Ask again later, or raise answer_seconds.",
                    )
            finally:
                stop.set()
                if close := getattr(found, "close", None):
                    close()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._inside >= self._most:
            raise BusyError(
                f"{self._inside} questions are waiting already, and no more are taken.",
                "Ask again in a moment, or raise max_waiting.",
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1


@contextmanager
def _set_after(seconds: float, stop: threading.Event) -> Iterator[None]:
    timer = asyncio.get_running_loop().call_later(seconds, stop.set)
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _set_when_gone(request: Request, stop: threading.Event) -> Iterator[None]:
    async def look() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(_LOOK_SECONDS)
        stop.set()

    looking = asyncio.ensure_future(look())
    try:
        yield
    finally:
        looking.cancel()
