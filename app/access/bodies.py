"""How much of a body is read: nothing of a caller who is refused, and no more than the route needs."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.rules import Body, rule_for
from app.schema import error_body
from app.spool import Spool
from knowledge_base.errors import DomainqaError

MEGABYTE = 1024 * 1024
# A name, a password of a thousand characters, each as three bytes that are written as %XX.
FORM_BYTES = 16 * 1024
# Room for a long conversation, which a browser sends whole, but not for filling the memory.
TEXT_BYTES = 16 * MEGABYTE
_SWALLOWED, _SWALLOWED_OF_KNOWN = 4 * MEGABYTE, 64 * MEGABYTE
_SWALLOW_SECONDS = 2


class BodyLimit:
    """ASGI middleware.

    Args:
        app: what is guarded.
        megabytes: size of a request with files, all together, at most.
        spool: where those are kept while they come in.
    """

    def __init__(self, app: ASGIApp, megabytes: int, spool: Spool) -> None:
        self._app = app
        files = megabytes * MEGABYTE
        self._most: dict[Body, int] = {"form": FORM_BYTES, "text": min(files, TEXT_BYTES), "files": files}
        self._spool = spool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body that says it is too large, and stop reading one that turns out to be."""
        rule = rule_for(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if rule is None:
            await self._app(scope, receive, send)
            return
        most = self._most[rule.body]
        said = Headers(scope=scope).get("content-length", "0")
        if not said.isdecimal() or int(said) > most:
            await refuse(too_large(most), scope, receive, send)
        elif rule.body == "files":
            await self._kept(int(said) or most, most, scope, receive, send)
        else:
            await self._counted(most, scope, receive, send)

    async def _kept(self, room: int, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await run_in_threadpool(self._spool.reserve, room)
        except DomainqaError as error:
            busy = refusal(429, str(error), "busy", "rate_limit_error", {"Retry-After": "30"})
            await refuse(busy, scope, receive, send)
            return
        try:
            await self._counted(most, scope, receive, send)
        finally:
            self._spool.release(room)

    async def _counted(self, most: int, scope: Scope, receive: Receive, send: Send) -> None:
        counted = _Counted(receive, send, most)
        with suppress(_TooLargeError):
            await self._app(scope, counted.receive, counted.send)
        if counted.is_over and not counted.answered:
            await refuse(too_large(most), scope, receive, send)


async def refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without the application, and close the connection if the client goes on sending.

    Some of what it sends is thrown away first, more of a known caller: who still sends when the door closes
    sees no answer.
    """
    headers, is_known = Headers(scope=scope), "principal" in scope.get("state", {})
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        response.headers["Connection"] = "close"
        if "expect" not in headers:  # who asks whether to send a body is told before it does
            with suppress(TimeoutError):
                async with asyncio.timeout(_SWALLOW_SECONDS):
                    await _swallow(receive, _SWALLOWED_OF_KNOWN if is_known else _SWALLOWED)
    await response(scope, receive, send)


def refusal(
    status: int, message: str, code: str, kind: str = "invalid_request_error", more: Mapping[str, str] = {}
) -> JSONResponse:
    """An error in OpenAI's shape."""
    return JSONResponse(error_body(message, kind, code), status, headers=dict(more))


def too_large(most: int) -> Response:
    """A request with too large a body; the rest of it is not read."""
    size = f"{most // MEGABYTE:,} MB" if most >= MEGABYTE else f"{most // 1024} kB"
    return refusal(413, f"The body of this request may have {size}.", "request_too_large")


class _TooLargeError(Exception):
    """More came than may."""


class _Counted:
    """Counts what is received; what the application answers to too much of it is not sent."""

    def __init__(self, receive: Receive, send: Send, left: int) -> None:
        self._receive = receive
        self._send = send
        self._left = left
        self.answered = False

    @property
    def is_over(self) -> bool:
        """Whether too much was received."""
        return self._left < 0

    async def receive(self) -> Message:
        """The next part; _TooLargeError once there were too many."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self.is_over:
            raise _TooLargeError
        return message

    async def send(self, message: Message) -> None:
        """Pass it on, unless it speaks of a failure that we caused."""
        if self.is_over and not self.answered:
            return
        self.answered = True
        await self._send(message)


async def _swallow(receive: Receive, left: int) -> None:
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body"):
            return
