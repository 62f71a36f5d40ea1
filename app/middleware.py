"""What every request passes first: the log, the check of host and origin, and the headers of its response.

Gradio needs inline scripts and `new Function`. The scripts it sends get a nonce here, so that markup which
slipped through all escaping still could not run: no inline handler and no injected script has the nonce.
"""

import re
import secrets
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import log
from app.access.middleware import FORWARDED

HEADER = "X-Request-ID"
# What follows is the name of a page's session, which is nobody else's business.
_HEARTBEAT = "/gradio_api/heartbeat/"
# What proxies tell of a request. uvicorn has read it by now, where the proxy is trusted; libraries behind us
# must not believe it, or a caller decides what the page takes for its own address.
_OF_PROXIES = frozenset({b"forwarded", b"via", b"x-real-ip", b"x-gradio-server"})
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

    def __init__(self, app: ASGIApp, write: log.Write) -> None:
        self._app = app
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, began, status = secrets.token_hex(8), time.monotonic(), 500
        state = scope.setdefault("state", {})
        log.REQUEST.set(number)

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
            self._write(
                "request",
                method=scope["method"],
                path=_HEARTBEAT if scope["path"].startswith(_HEARTBEAT) else scope["path"],
                status=status,
                seconds=round(time.monotonic() - began, 4),
                caller=principal.name if principal else None,
            )


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
        await answer(_direct(scope), receive, _Completed(send))

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts and _name_of(host) not in self._hosts:
            return PlainTextResponse("Unknown host name. If it is right, add it to allowed_hosts.", 421)
        origin = headers.get("origin")
        if scope["method"] not in _SAFE_METHODS and origin and urlsplit(origin).netloc != host:
            return PlainTextResponse("Requests from other sites are refused.", status_code=403)
        return None


def _direct(scope: Scope) -> Scope:
    """A request without what proxies told of it; its state notes that one did."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in _OF_PROXIES and not name.startswith(b"x-forwarded-")
    ]
    scope.setdefault("state", {})[FORWARDED] = len(headers) < len(scope["headers"])
    return {**scope, "headers": headers}


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
