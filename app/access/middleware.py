"""Finds out who calls, puts it on `request.state.principal`, and refuses those who may not."""

from http.cookies import CookieError, SimpleCookie

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.rate import RateLimit
from app.access.refusals import forbidden, too_many, unavailable, unknown, wrong_key
from app.access.rules import is_open, right_for
from app.access.store import AccessStore
from app.access.values import LOCAL, Principal
from knowledge_base.errors import DomainqaError

COOKIE = "domainqa-session"


class Access:
    """ASGI middleware.

    Args:
        app: what is guarded.
        store: users, keys and sessions.
        required: whether a caller without any of them is refused; else it is the local one, who may all.
        rate: how often a key may be used.
    """

    def __init__(self, app: ASGIApp, store: AccessStore, required: bool, rate: RateLimit) -> None:
        self._app = app
        self._store = store
        self._required = required
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request, or pass it on with its principal."""
        if scope["type"] != "http" or is_open(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            found = await run_in_threadpool(self._checked, scope["path"], Headers(scope=scope))
        except DomainqaError:
            found = unavailable()
        if isinstance(found, Principal):
            scope.setdefault("state", {})["principal"] = found
            await self._app(scope, receive, send)
        else:
            await found(scope, receive, send)

    def _checked(self, path: str, headers: Headers) -> Principal | Response:
        found = self._identified(path, headers)
        if not isinstance(found, Principal):
            return found
        if found.kind == "key" and (seconds := self._rate.wait(found.name)):
            return too_many(seconds)
        right = right_for(path)
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
