"""How a reply is sent, whatever the format of its route: as a whole, or as server-sent events."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.api.answering import Queue, Waiting
from app.api.openai.reply import Manner, Part, Reply, Wanted, Whole, whole_of
from app.schema import Usage
from app.session import Session

R = TypeVar("R")
Parts = AsyncIterator[Part | Waiting]


class Asked(Protocol):
    """A request in the format of a route."""

    @property
    def wanted(self) -> Wanted:
        """What is asked for; FieldError for a schema that cannot be used."""
        ...


async def reply_to(asked: Asked, session: Session, manner: Manner, prefix: str, server: str) -> Reply:
    """The reply to a request; judging the schema of one that wants JSON takes long, so a thread does it."""
    wanted = await run_in_threadpool(lambda: asked.wanted)
    return Reply(session, wanted, manner, prefix, server)


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
