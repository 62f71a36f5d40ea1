"""An event loop in a thread of its own, so that a call to a server can be left at any moment.

A thread that waits on a socket cannot be woken; a task of an event loop can be cancelled, which closes its
connection.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import aclosing
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from answering.generation.protocol import Cancelled

T = TypeVar("T")

_POLL_SECONDS = 0.05


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop of this process, which runs as long as it does."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="remote-generator", daemon=True).start()
    return loop


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, or what it raises."""
    future = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result()
    finally:
        future.cancel()


def each(items: Callable[[], AsyncGenerator[T]], cancelled: Cancelled) -> Iterator[T]:
    """What `items` gives, as it comes; its work ends when `cancelled()` is true or the iterator is closed."""
    if cancelled():
        return
    arrived: SimpleQueue[T] = SimpleQueue()
    work = asyncio.run_coroutine_threadsafe(_pass_on(items, arrived), _loop())
    try:
        while (found := _next(arrived, work, cancelled)) is not None:
            yield from found
    finally:
        work.cancel()


async def _pass_on(items: Callable[[], AsyncGenerator[T]], arrived: SimpleQueue[T]) -> None:
    async with aclosing(items()) as opened:
        async for item in opened:
            arrived.put(item)


def _next(arrived: SimpleQueue[T], work: Future[None], cancelled: Cancelled) -> tuple[T, ...] | None:
    """One item, none yet, or None when there will be no more; raises what the work raised."""
    if cancelled():
        return None
    ended = work.done()
    try:
        return (arrived.get(timeout=0 if ended else _POLL_SECONDS),)
    except Empty:
        if not ended:
            return ()
        work.result()
        return None
