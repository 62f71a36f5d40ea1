"""Questions of programs: so many at once, so long, and ended when the client has gone."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from answering.generation.protocol import Cancelled
from knowledge_base.errors import BusyError, UnavailableError

T = TypeVar("T")
Start = Callable[[Cancelled], Iterator[T]]

_LOOK_SECONDS = 0.1  # how soon it is seen that a client has gone
_PATIENCE_SECONDS = 1.0  # how long a stream may be silent before its reader is told why


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing has come yet, and so many questions were here earlier."""

    before: int


class Queue:
    """Lets at most `most` requests wait or be answered at once, each for at most `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._inside: dict[object, None] = {}  # a ticket each, in the order of coming

    @property
    def inside(self) -> int:
        """Requests that wait or are being answered."""
        return len(self._inside)

    async def whole(self, request: Request, start: Start[T]) -> list[T]:
        """Everything that `start` gives, in the order it came.

        Raises BusyError if too many are waiting, UnavailableError after too long.
        """
        return [piece async for piece in self._pieces(request, start, object())]

    async def begun(self, request: Request, start: Start[T]) -> AsyncIterator[T | Waiting]:
        """What `start` gives, as it comes, and its place for as long as nothing does.

        What is wrong within the first second is raised here, else by the iterator; closing that ends the
        work. Raises as `whole`.
        """
        ticket = object()
        pieces = self._pieces(request, start, ticket)
        first = asyncio.ensure_future(anext(pieces, None))
        await asyncio.wait([first], timeout=_PATIENCE_SECONDS)
        if first.done():
            first.result()  # raises what is wrong

        async def chained() -> AsyncIterator[T | Waiting]:
            try:
                while not first.done():
                    yield Waiting(self._before(ticket))
                    await asyncio.wait([first], timeout=_PATIENCE_SECONDS)
                if (piece := await first) is not None:
                    yield piece
                async for piece in pieces:
                    yield piece
            finally:
                first.cancel()
                await asyncio.wait([first])
                await pieces.aclose()

        return chained()

    def _before(self, ticket: object) -> int:
        return list(self._inside).index(ticket) if ticket in self._inside else 0

    async def _pieces(self, request: Request, start: Start[T], ticket: object) -> AsyncGenerator[T, None]:
        stop = threading.Event()
        found: Iterator[T] = iter(())
        with self._place(ticket), _set_when_gone(request, stop), _set_after(self._seconds, stop):
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
    def _place(self, ticket: object) -> Iterator[None]:
        if self.inside >= self._most:
            raise BusyError(
                f"{self.inside} questions are waiting already, and no more are taken.",
                "Ask again in a moment, or raise max_waiting.",
            )
        self._inside[ticket] = None
        try:
            yield
        finally:
            del self._inside[ticket]


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
