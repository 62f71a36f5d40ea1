"""Questions of programs: so many at once, each for so long, and ended when the client has gone.

A question is worked on in a thread of its own; its pieces reach the event loop through a stream of anyio, so
that nothing is polled. A client that leaves, or the time limit, ends the work; its place is free once the
thread has really ended.
"""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import anyio
from anyio import from_thread, to_thread
from starlette.requests import Request

from answering.generation.protocol import Cancelled
from knowledge_base.errors import BusyError, DomainqaError, UnavailableError

T = TypeVar("T")
Start = Callable[[Cancelled], Iterator[T]]
Send = Callable[[T], None]
Run = Callable[[Cancelled, Send[T]], None]

_UNLIMITED_SECONDS = 10.0 * 365 * 24 * 3600
_PATIENCE_SECONDS = 1.0  # how long a stream may be silent before its reader is told why


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing has come, and so many questions were here earlier."""

    before: int


class Queue:
    """Lets at most `most` requests wait or be answered at once, each for at most `seconds`."""

    def __init__(self, most: int, seconds: float = _UNLIMITED_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        # Threads of their own: those of the event loop are for short calls, and there are only forty.
        self._threads = anyio.CapacityLimiter(most)
        self._inside: dict[_Work[Any], None] = {}  # in the order of coming
        self._is_closed = False

    @property
    def inside(self) -> int:
        """Requests that wait or are being answered."""
        return len(self._inside)

    def close(self) -> None:
        """Take no more requests; those that are inside go on until `end`."""
        self._is_closed = True

    def end(self) -> None:
        """Stop what is inside, and tell its clients why."""
        for work in list(self._inside):
            work.end(_stopping())

    async def whole(self, request: Request, start: Start[T]) -> list[T]:
        """Everything that `start` gives, in the order it came.

        Raises BusyError if too many are waiting, UnavailableError after too long.
        """
        work = self._begin(request, _each_of(start), self._seconds)
        pieces: list[T] = []
        try:
            while (piece := await work.next()) is not None:
                pieces.append(piece)
        finally:
            work.end()
        return pieces

    async def begun(self, request: Request, start: Start[T]) -> AsyncIterator[T | Waiting]:
        """What `start` gives, as it comes, and its place each second in which nothing does.

        What is wrong within the first second is raised here, else by the iterator; closing that ends the
        work. Raises as `whole`.
        """
        return await self.sent(request, _each_of(start), self._seconds)

    async def sent(
        self, request: Request, run: Run[T], seconds: float = _UNLIMITED_SECONDS
    ) -> AsyncIterator[T | Waiting]:
        """What `run` sends, as it comes, as `begun` gives it; `run` may take so many seconds."""
        work = self._begin(request, run, seconds)
        try:
            first = await self._next_or_place(work)
        except BaseException:
            work.end()
            raise

        async def pieces() -> AsyncIterator[T | Waiting]:
            piece = first
            try:
                while piece is not None:
                    yield piece
                    piece = await self._next_or_place(work)
            finally:
                work.end()

        return pieces()

    async def _next_or_place(self, work: "_Work[T]") -> T | Waiting | None:
        with anyio.move_on_after(_PATIENCE_SECONDS):
            return await work.next()
        inside = list(self._inside)
        return Waiting(inside.index(work) if work in inside else 0)

    def _begin(self, request: Request, run: Run[T], seconds: float) -> "_Work[T]":
        if self._is_closed:
            raise _stopping()
        if self.inside >= self._most:
            raise BusyError(
                f"{self.inside} questions are waiting, and no more are accepted.",
                "Ask again in a moment, or raise max_waiting.",
            )
        work = _Work(run)
        self._inside[work] = None
        late = UnavailableError(
            f"The answer was not ready after {seconds:g} seconds.",
            "Ask again later, or raise answer_seconds.",
        )
        timer = asyncio.get_running_loop().call_later(seconds, work.end, late)
        leaving = asyncio.ensure_future(_end_when_gone(request, work))

        def ended(_: "asyncio.Future[None]") -> None:
            del self._inside[work]
            timer.cancel()
            leaving.cancel()

        asyncio.ensure_future(work.run(self._threads)).add_done_callback(ended)
        return work


class _Work(Generic[T]):
    """One question in its thread, and what has come of it."""

    def __init__(self, run: Run[T]) -> None:
        self._run = run
        self._stop = threading.Event()
        self._problem: Exception | None = None
        self._send, self._receive = anyio.create_memory_object_stream[T](math.inf)

    async def run(self, threads: anyio.CapacityLimiter) -> None:
        """Work until it is done or ended; a thread that was told to stop is waited for."""
        try:
            await to_thread.run_sync(self._work, limiter=threads)
        except Exception as error:  # noqa: BLE001 - raised again by `next`, for whoever asked
            self._problem = self._problem or error
        finally:
            self._send.close()

    async def next(self) -> T | None:
        """The next piece; None after the last. Raises what went wrong."""
        try:
            return await self._receive.receive()
        except anyio.EndOfStream:
            if self._problem is not None:
                raise self._problem from None
            return None

    def end(self, problem: DomainqaError | None = None) -> None:
        """Stop the thread, and let whoever waits for a piece know the problem at once."""
        self._problem = self._problem or problem
        self._stop.set()
        self._send.close()

    def _work(self) -> None:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # nobody waits any more
            self._run(self._stop.is_set, lambda piece: from_thread.run_sync(self._send.send_nowait, piece))


def _stopping() -> UnavailableError:
    return UnavailableError("The server is stopping.", "Ask again in a moment.")


def _each_of(start: Start[T]) -> Run[T]:
    """Sends what `start` gives, until nobody waits for it any more."""

    def run(cancelled: Cancelled, send: Send[T]) -> None:
        found = start(cancelled)
        try:
            for piece in found:
                if cancelled():
                    return
                send(piece)
        finally:
            if close := getattr(found, "close", None):
                close()

    return run


async def _end_when_gone(request: Request, work: _Work[T]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    work.end(UnavailableError("The client has closed the connection.", "Ask again."))
