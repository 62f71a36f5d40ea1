"""Finds out who calls, puts the principal on `request.state`, and refuses requests without the right."""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.rules import LOGIN, right_for
from app.access.store import AccessStore
from app.access.values import LOCAL, Principal, Right
from app.schema import error_body
from app.sqlite_file import SqliteFile
from knowledge_base.errors import DomainqaError, StorageError

COOKIE = "domainqa-session"
_RATES = "CREATE TABLE rates (key TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL) STRICT;"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_NEEDED: dict[Right, str] = {"read": "reader", "write": "editor", "admin": "admin"}


class RateLimit:
    """How often a key may be used: a bucket of tokens for each, which fills again evenly.

    All servers of a home count together. A count that cannot be written stops nobody.

    Args:
        home: whose keys they are.
        per_minute: requests of one key in a minute; so many may come at once.
        clock: seconds that all servers agree on.
    """

    def __init__(self, home: Path, per_minute: int, clock: Callable[[], float] = time.time) -> None:
        repair = "remove it: it only counts requests"
        self._file = SqliteFile(home / "rates.sqlite", "file of request counts", repair, (_RATES,))
        self._size = per_minute
        self._per_second = per_minute / 60
        self._clock = clock

    def wait(self, name: str) -> int:
        """Take a token; 0 if there was one, else the whole seconds until there is."""
        with suppress(StorageError), self._file.reading() as database:
            database.execute("PRAGMA synchronous = OFF")  # nothing is lost with a count
            with database:
                database.execute("BEGIN IMMEDIATE")
                return self._take(database, name)
        return 0

    def _take(self, database: sqlite3.Connection, name: str) -> int:
        now = self._clock()
        row = database.execute("SELECT tokens, at FROM rates WHERE key = ?", (name,)).fetchone()
        tokens, then = row or (float(self._size), now)
        tokens = min(self._size, tokens + max(0.0, now - then) * self._per_second)
        if tokens < 1:
            return math.ceil((1 - tokens) / self._per_second)
        database.execute("INSERT OR REPLACE INTO rates VALUES (?, ?, ?)", (name, tokens - 1, now))
        return 0


class Access:
    """ASGI middleware.

    Args:
        app: what is guarded.
        store: users, keys and sessions.
        required: whether a caller without any of them is refused; otherwise it is
            the local caller, who may do everything.
        rate: how often a key may be used.
    """

    def __init__(self, app: ASGIApp, store: AccessStore, required: bool, rate: RateLimit) -> None:
        self._app = app
        self._store = store
        self._required = required
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its principal."""
        needed = right_for(scope["method"], scope["path"]) if scope["type"] == "http" else "nothing"
        if needed is None:
            await PlainTextResponse("Not found.", status_code=404)(scope, receive, send)
            return
        if needed == "nothing":
            await self._app(scope, receive, send)
            return
        try:
            found = await run_in_threadpool(self._checked, needed, scope["path"], Headers(scope=scope))
        except DomainqaError:
            found = unavailable()
        if isinstance(found, Principal):
            scope.setdefault("state", {})["principal"] = found
            await self._app(scope, receive, send)
        else:
            await found(scope, receive, send)

    def _checked(self, right: Right, path: str, headers: Headers) -> Principal | Response:
        found = self._identified(path, headers)
        if not isinstance(found, Principal):
            return found
        if found.kind == "key" and (seconds := self._rate.wait(found.name)):
            return too_many(seconds)
        return found if found.may(right) else forbidden(right)

    def _identified(self, path: str, headers: Headers) -> Principal | Response:
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._store.keys.principal(credential.strip()) or wrong_key()
        secret = session_of(headers)
        found = self._store.sessions.principal(secret) if secret else None
        if found is None and not self._required:
            return LOCAL
        return found or unknown(path, headers)


def session_of(headers: Headers) -> str:
    """The secret of the session in the cookies; "" if there is none."""
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def refusal(
    status: int, message: str, code: str, kind: str = "invalid_request_error", more: Mapping[str, str] = {}
) -> JSONResponse:
    """An error in OpenAI's shape."""
    return JSONResponse(error_body(message, kind, code), status, headers=dict(more))


def wrong_key() -> Response:
    """A key that is nobody's."""
    return refusal(
        401, "This key is not known, or was revoked.", "invalid_api_key", "authentication_error", _CHALLENGE
    )


def unknown(path: str, headers: Headers) -> Response:
    """Nobody: a browser that opens a page is led to the log-in and back."""
    if "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"{LOGIN}?next={quote(path)}", 303)
    message = "Send a key as 'Authorization: Bearer KEY', or log in."
    return refusal(401, message, "missing_api_key", "authentication_error", _CHALLENGE)


def forbidden(right: Right) -> Response:
    """Somebody whose role is too small."""
    message = f"This needs the role {_NEEDED[right]}."
    return refusal(403, message, "insufficient_permissions", "permission_error")


def too_many(seconds: int) -> Response:
    """A key that is used too often."""
    message = f"This key was used too often. Try again in {seconds} seconds."
    return refusal(429, message, "rate_limit_exceeded", "rate_limit_error", {"Retry-After": str(seconds)})


def too_large(megabytes: int) -> Response:
    """A request with too large a body; the rest of it is not read."""
    return refusal(
        413, f"A request may have {megabytes:,} MB.", "request_too_large", more={"Connection": "close"}
    )


def unavailable() -> Response:
    """Users and keys cannot be read; `domainqa doctor` says why."""
    return refusal(503, "Users and keys cannot be read now.", "access_unavailable", "server_error")
