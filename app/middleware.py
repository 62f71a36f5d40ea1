"""What every request passes before its route: the log, headers and host check, and the limit of its body.

Gradio needs inline scripts and `new Function`. The scripts it sends get a nonce here, so that markup which
slipped through all escaping still could not run: no inline handler and no injected script has the nonce.
"""

import asyncio
import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.middleware import too_large

HEADER = "X-Request-ID"
Write = Callable[[str], None]
# What follows is the name of a page's session, which is nobody else's business.
_HEARTBEAT = "/gradio_api/heartbeat/"
_MEGABYTE = 1024 * 1024
# Without files: room for a long conversation, which a browser sends whole, but not for filling the memory.
PLAIN_MEGABYTES = 16
_SWALLOWED = 64 * _MEGABYTE
_SWALLOW_SECONDS = 2
_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SCRIPT = re.compile(rb"<script(?=[ >])")
_ADVERTISING = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestLog:
    """ASGI middleware.

    Args:
        app: what is logged.
        write: takes each line once its request has ended.
    """

    def __init__(self, app: ASGIApp, write: Write) -> None:
        self._app = app
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, began, status = secrets.token_hex(8), time.monotonic(), 500
        state = scope.setdefault("state", {})
        state["request_id"] = number

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            principal = state.get("principal")
            line = {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "request": number,
                "method": scope["method"],
                "path": _HEARTBEAT if scope["path"].startswith(_HEARTBEAT) else scope["path"],
                "status": status,
                "seconds": round(time.monotonic() - began, 4),
                "caller": principal.name if principal else None,
            }
            self._write(json.dumps(line))


class Guard:
    """ASGI middleware.

    Args:
        app: what is guarded.
        hosts: names under which the page may be called; a name from elsewhere that points here (DNS
            rebinding) is refused. Empty allows every name.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on and complete its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        answer: ASGIApp = refusal if refusal is not None else self._app
        await answer(scope, receive, _Completed(send))

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts and _name_of(host) not in self._hosts:
            return PlainTextResponse("Unknown host name. If it is right, add it to allowed_hosts.", 421)
        origin = headers.get("origin")
        if scope["method"] not in _SAFE_METHODS and origin and urlsplit(origin).netloc != host:
            return PlainTextResponse("Requests from other sites are refused.", status_code=403)
        return None


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


def to_stderr(line: str) -> None:
    """Write one line, there at once."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a log for the program that runs the server


def nowhere(line: str) -> None:
    """Keep no log."""


class _Completed:
    """Sends a response with our headers; a page of HTML is held back until its scripts have their nonce.

    A response that brings a policy of its own keeps it, and none of its scripts gets the nonce.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._nonce = secrets.token_urlsafe(16)
        self._page: bytearray | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._start(message)
        elif message["type"] == "http.response.body" and self._page is not None:
            await self._body(message, self._page)
        else:
            await self._send(message)

    async def _start(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in _HEADERS.items():
            headers[name] = value
        is_ours = "content-security-policy" not in headers
        if is_ours:
            headers["Content-Security-Policy"] = _POLICY.format(nonce=self._nonce)
        if headers.get("content-type", "").startswith("text/html"):
            headers["Cache-Control"] = "no-store"
            if is_ours:
                self._page = bytearray()
                del headers["content-length"]
        await self._send(message)

    async def _body(self, message: Message, page: bytearray) -> None:
        page += message.get("body", b"")
        if message.get("more_body"):
            return
        plain = _ADVERTISING.sub(b"", bytes(page))
        body = _SCRIPT.sub(f'<script nonce="{self._nonce}"'.encode(), plain)
        await self._send({"type": "http.response.body", "body": body})


def _name_of(host: str) -> str:
    """The name in a Host header, without its port and brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


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
