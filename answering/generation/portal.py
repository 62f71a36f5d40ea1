"""The event loop that calls servers, in a thread of its own, so that a call can be given up."""

import atexit
from collections.abc import AsyncGenerator, Awaitable, Iterator
from concurrent.futures import CancelledError, wait
from contextlib import aclosing
from functools import cache
from queue import Empty, SimpleQueue
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from answering.generation.protocol import Cancelled, never

T = TypeVar("T")

# How soon a call notices that it is cancelled.
_POLL_SECONDS = 0.05


@cache
def _portal() -> BlockingPortal:
    """The event loop of all calls, in a thread of its own for as long as the process runs.

    A thread that waits on a socket cannot be woken; a task of an event loop can be cancelled, which closes
    its connection. The loop is stopped before the interpreter ends its threads: anyio would wait for ever
    for one that is gone.
    """
    running = start_blocking_portal(name="remote-generator")
    portal = running.__enter__()

    def stop() -> None:
        portal.call(portal.stop, True)
        running.__exit__(None, None, None)

    atexit.register(stop)
    return portal


def wait_for(work: Awaitable[T], cancelled: Cancelled = never) -> T:
    """The result of `work`, or what it raises; CancelledError once `cancelled()`, which ends the work."""
    future = _portal().start_task_soon(_result_of, work)
    try:
        while not cancelled():
            if wait([future], None if cancelled is never else _POLL_SECONDS).done:
                return future.result()
        raise CancelledError
    finally:
        future.cancel()


async def _result_of(work: Awaitable[T]) -> T:
    return await work


def each(items: AsyncGenerator[T], cancelled: Cancelled) -> Iterator[T]:
    """What `items` gives, as it comes; its work ends when `cancelled()` is true or the iterator is closed."""
    arrived: SimpleQueue[T | None] = SimpleQueue()
    work = _portal().start_task_soon(_pass_on, items, arrived)
    work.add_done_callback(lambda _: arrived.put(None))
    try:
        while not cancelled():
            try:
                item = arrived.get(timeout=None if cancelled is never else _POLL_SECONDS)
            except Empty:
                continue
            if item is None:
                return work.result()
            yield item
    finally:
        work.cancel()


async def _pass_on(items: AsyncGenerator[T], arrived: SimpleQueue[T | None]) -> None:
    async with aclosing(items):
        async for item in items:
            arrived.put(item)
