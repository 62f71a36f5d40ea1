"""How a reply is sent, whatever the format of its route: as a whole, or as server-sent events."""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse

from app.api.answering import Queue, Waiting
from app.api.openai.reply import Part, Reply, Whole, whole_of
from app.schema import Usage

R = TypeVar("R")
Parts = AsyncIterator[Part | Waiting]


async def send(
    queue: Queue,
    request: Request,
    reply: Reply,
    finished: Callable[[Whole, Usage], R],
    events: Callable[[Parts], AsyncIterator[str]],
) -> R | StreamingResponse:
    """The response to a request: a stream of `events` while the reply is written, or the reply `finished`.

    What is wrong with the request, or a full queue, is raised before the first event.
    """
    if reply.wanted.asking.stream:
        parts = await queue.begun(request, reply.parts)
        return StreamingResponse(events(parts), media_type="text/event-stream")
    whole = whole_of(await queue.whole(request, reply.parts))
    return finished(whole, await reply.usage(whole))
