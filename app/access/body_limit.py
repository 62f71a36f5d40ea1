"""Bodies of requests have a limit: files a large one, all else a small one."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.refusals import too_large

_MEGABYTE = 1024 * 1024
# Without files: room for a long conversation, which a browser sends whole, but not for filling the memory.
PLAIN_MEGABYTES = 16
_SWALLOWED = 64 * _MEGABYTE
_SWALLOW_SECONDS = 2


class BodyLimit:
    """ASGI middleware.

    Args:
        app: what is guarded.
        megabytes: size of a request with files, all together, at most.
    """

    def __init__(self, app: ASGIApp, megabytes: int) -> None:
        self._app = app
        self._megabytes = megabytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a body that says it is too large, and stop reading one that turns out to be."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        has_files = headers.get("content-type", "").startswith("multipart/form-data")
        megabytes = self._megabytes if has_files else min(self._megabytes, PLAIN_MEGABYTES)
        said = headers.get("content-length", "0")
        if not said.isdecimal() or int(said) > megabytes * _MEGABYTE:
            await _refuse(megabytes, scope, receive, send)
            return
        counted = _Counted(receive, send, megabytes * _MEGABYTE)
        with suppress(_TooLargeError):
            await self._app(scope, counted.receive, counted.send)
        if counted.is_over and not counted.answered:
            await _refuse(megabytes, scope, receive, send)


async def _refuse(megabytes: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, after some of the rest was read: who still sends when the door closes never sees the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_SWALLOW_SECONDS):
            await _swallow(receive)
    await too_large(megabytes)(scope, receive, send)


async def _swallow(receive: Receive) -> None:
    left = _SWALLOWED
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if not message.get("more_body"):
            return


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
