"""Files in the events of the page: only those that were uploaded to this server, and no addresses.

Gradio fetches a file-shaped value whose path is an address, for any component of any event. Here, in front of
it, such a value is refused, so that no caller makes the server call anybody.
"""

import json
import re
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.bodies import refusal

_EVENTS = re.compile(r"/gradio_api/(queue/join|run/[^/]+)")


class FileValues:
    """ASGI middleware.

    Args:
        app: what is guarded.
        folder: where uploads to the page lie.
    """

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse an event with a file that was not uploaded, or pass on exactly what was looked at."""
        if scope["type"] != "http" or scope["method"] != "POST" or not _EVENTS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            event = json.loads(await _whole(receive))
            self._check(event)
        except (ValueError, RecursionError):
            answer = refusal(422, "An event is JSON and names only uploaded files.", "invalid_event")
            await answer(scope, receive, send)
            return
        body = json.dumps(event).encode()
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        told = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
        await self._app(told, _First(body, receive), send)

    def _check(self, value: Any) -> None:  # noqa: ANN401 - JSON
        """ValueError for a file that is not in the folder; where it could be had from is forgotten."""
        if isinstance(value, dict):
            if isinstance(value.get("path"), str):
                if not Path(value["path"]).resolve().is_relative_to(self._folder.resolve()):
                    raise ValueError
                value["url"] = None
            for one in value.values():
                self._check(one)
        elif isinstance(value, list):
            for one in value:
                self._check(one)


class _First:
    """Receives one body, and then what else comes."""

    def __init__(self, body: bytes, rest: Receive) -> None:
        self._body: bytes | None = body
        self._rest = rest

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._rest()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)
