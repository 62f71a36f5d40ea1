"""Each request gets an id and, if wanted, one line of JSON: never what was asked, answered, or a key."""

import json
import secrets
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
Write = Callable[[str], None]
# What follows is the name of a page's session, which is nobody else's business.
_HEARTBEAT = "/gradio_api/heartbeat/"


def to_stderr(line: str) -> None:
    """Write one line, there at once."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a log for the program that runs the server


def nowhere(line: str) -> None:
    """Keep no log."""


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
