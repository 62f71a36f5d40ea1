"""`POST /v1/operations/NAME`: what the commands of the owner ask; see `app.operations`. No part of the API.

The answer is lines of "KIND VALUE", the value in JSON: news as they come, an empty line each second without
any, and at the end a `result` or an `error`.
"""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic_core import to_json

from answering.generation.protocol import Cancelled
from app.announcement import LINES
from app.api.answering import Queue, Send, Waiting
from app.api.errors import DEFECT, status_of
from app.operations import Home, Listener, perform
from app.settings import Settings
from app.workspace import Workspace
from knowledge_base.errors import DomainqaError

_AT_ONCE = 64  # operations that ask no model; more than one person starts
_QUESTION = "questions.ask"


def operation_routes(queue: Queue, workspace: Workspace, settings: Settings) -> APIRouter:
    """The route; questions take their place in `queue`, but are not given up after some time."""
    routes = APIRouter()
    home = Home(settings, lambda _: workspace)
    home.registry = workspace.registry
    others = Queue(_AT_ONCE)

    @routes.post("/v1/operations/{name}", include_in_schema=False)
    async def perform_operation(name: str, request: Request, given: dict[str, Any]) -> Response:
        def run(cancelled: Cancelled, send: Send[bytes]) -> None:
            listener = Listener(lambda kind, value: send(_line(kind, to_json(value))), cancelled)
            send(_line("result", perform(name, given, home, listener).encode()))

        room = queue if name == _QUESTION else others
        try:
            news = await room.sent(request, run)
        except DomainqaError as error:
            return Response(_failure(error), status_of(error), media_type=LINES)
        return StreamingResponse(_lines(news), media_type=LINES)

    return routes


async def _lines(news: AsyncIterator[bytes | Waiting]) -> AsyncIterator[bytes]:
    try:
        async for line in news:
            yield b"\n" if isinstance(line, Waiting) else line
    except DomainqaError as error:
        yield _failure(error)
    except Exception:  # a defect of ours: the server's log has it whole
        yield _line("error", to_json((DEFECT, "", 1)))
        raise


def _failure(error: DomainqaError) -> bytes:
    return _line("error", to_json((error.cause, error.remedy, error.exit_code)))


def _line(kind: str, value: bytes) -> bytes:
    return kind.encode() + b" " + value + b"\n"
