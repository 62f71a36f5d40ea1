"""What stands between a browser and the page: headers, a content security policy, and closed doors.

Gradio needs inline scripts and `new Function`. The scripts it sends get a nonce here, so that markup which
slipped through all escaping still could not run: no inline handler and no injected script has the nonce.
"""

import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
# Doors of Gradio that this page does not use: files by path, other servers by address, its own statistics,
# functions by name, histories, and what rewrites a page while it is developed.
_CLOSED = (
    "/file=",
    "/file/",
    "/monitoring",
    "/proxy=",
    *(
        f"/gradio_api/{door}"
        for door in (
            "api/",
            "call",
            "component_server",
            "custom_component",
            "deep_link",
            "dev/",
            "file",
            "openapi.json",
            "process_recording",
            "profiling",
            "proxy=",
            "run-history",
            "runs",
            "stream",
            "token",
            "undo-vibe",
            "vibe",
        )
    ),
)
_SCRIPT = re.compile(rb"<script(?=[ >])")
_ADVERTISING = re.compile(rb'<meta\s+(?:property|name)="(?:og|twitter):[^>]*>')
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


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
            return PlainTextResponse("This page is not called so.", status_code=421)
        origin = headers.get("origin")
        if scope["method"] not in _SAFE_METHODS and origin and urlsplit(origin).netloc != host:
            return PlainTextResponse("This request comes from another site.", status_code=403)
        if str(scope["path"]).startswith(_CLOSED):
            return PlainTextResponse("There is nothing here.", status_code=404)
        return None


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
