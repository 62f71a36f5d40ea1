"""Finds out who calls, puts the principal on `request.state`, and refuses requests without the right."""

import math
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.bodies import refusal, refuse
from app.access.cookies import SESSION, cookie_name, cookie_values
from app.access.credentials import is_like_ours
from app.access.rules import LOGIN, Asked, Rule, rule_for
from app.access.store import AccessStore
from app.access.values import LOCAL, OWNER, Principal
from app.sqlite_file import SqliteFile
from knowledge_base.errors import BusyError, DomainqaError, StorageError

FORWARDED = "forwarded"  # on `scope["state"]`: whether a proxy has passed the request on
_RATES = "CREATE TABLE rates (key TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL) STRICT;"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_NEEDED: dict[Asked, str] = {
    "read": "the role reader",
    "write": "the role editor",
    "admin": "the role admin",
    "owner": "the token that the server has announced to its owner",
}


class RateLimit:
    """How often a key or a user may call: a bucket of tokens for each, which fills again evenly.

    All servers of a home count together. A count that cannot be written stops nobody.

    Args:
        home: whose keys and users they are.
        per_minute: requests of one of them in a minute; so many may come at once.
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
        with suppress(StorageError, BusyError), self._file.reading() as database:
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
    """ASGI middleware: who is not let in is refused before anything of the body is looked at.

    Args:
        app: what is guarded.
        store: users, keys and sessions.
        required: whether a caller without any of them is refused; otherwise it is the local caller, who may
            do everything, unless a proxy has passed its request on; also with a key that was never one of
            ours, since OpenAI's clients always send one.
        rate: how often a key or a user may call.
        token: shown by the commands of the owner; nobody has it if it is "".
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all ways to show who one is
        self, app: ASGIApp, store: AccessStore, required: bool, rate: RateLimit, token: str = ""
    ) -> None:
        self._app = app
        self._store = store
        self._required = required
        self._rate = rate
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its principal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = rule_for(scope["method"], scope["path"])
        if rule is None:
            await refuse(PlainTextResponse("Not found.", status_code=404), scope, receive, send)
            return
        if rule.needs == "nothing":
            await self._app(scope, receive, send)
            return
        try:
            found = await run_in_threadpool(self._checked, rule, rule.needs, scope)
        except DomainqaError:
            found = unavailable()
        if isinstance(found, Principal):
            scope.setdefault("state", {})["principal"] = found
            await self._app(scope, receive, send)
        else:
            await refuse(found, scope, receive, send)

    def _checked(self, rule: Rule, right: Asked, scope: Scope) -> Principal | Response:
        found = self._identified(scope, Headers(scope=scope))
        if not isinstance(found, Principal):
            return found
        counts = rule.counts and found.kind not in {"local", "owner"}
        if counts and (seconds := self._rate.wait(f"{found.kind} {found.name}")):
            return too_many(seconds)
        may = found is OWNER if right == "owner" else found.may(right)
        return found if may else forbidden(right)

    def _identified(self, scope: Scope, headers: Headers) -> Principal | Response:
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        is_asked = self._required or bool(scope.get("state", {}).get(FORWARDED))
        if scheme.lower() == "bearer":
            key = credential.strip()
            if self._token and secrets.compare_digest(key.encode(), self._token):
                return OWNER
            if is_asked or is_like_ours(key):
                return self._store.keys.principal(key) or wrong_key(is_asked)
        cookies = cookie_values(headers, cookie_name(SESSION, scope["scheme"]))
        found = next(filter(None, map(self._store.sessions.principal, cookies)), None)
        if found is None and not is_asked:
            return LOCAL
        return found or unknown(scope["path"], headers)


def wrong_key(required: bool) -> Response:
    """A key that is nobody's, where one is `required` or where it looks like one that we made."""
    remedy = (
        "Ask an administrator for a key, which `domainqa keys create` makes."
        if required
        else "No key is needed from this machine: send none, or any word that does not begin with dq_."
    )
    message = f"This key is not known, or was revoked. {remedy}"
    return refusal(401, message, "invalid_api_key", "authentication_error", _CHALLENGE)


def unknown(path: str, headers: Headers) -> Response:
    """Nobody: a browser that opens a page is led to the log-in and back."""
    if "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"{LOGIN}?next={quote(path)}", 303)
    message = "Send a key as 'Authorization: Bearer KEY', or log in."
    return refusal(401, message, "missing_api_key", "authentication_error", _CHALLENGE)


def forbidden(right: Asked) -> Response:
    """Somebody whose role is too small."""
    message = f"This needs {_NEEDED[right]}."
    return refusal(403, message, "insufficient_permissions", "permission_error")


def too_many(seconds: int) -> Response:
    """A key or a user with too many requests."""
    message = f"There were too many requests. Try again in {seconds} seconds."
    return refusal(429, message, "rate_limit_exceeded", "rate_limit_error", {"Retry-After": str(seconds)})


def unavailable() -> Response:
    """Users and keys cannot be read; `domainqa doctor` says why."""
    return refusal(503, "Users and keys cannot be read now.", "access_unavailable", "server_error")
