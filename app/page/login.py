"""Logging in and out: a form, a cookie that scripts cannot read, and the way back."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from app.access.attempts import DEVICE_SECONDS, Source, TooManyFailuresError
from app.access.cookies import DEVICE, SESSION, cookie_name, cookie_values
from app.access.rules import LOGIN, LOGOUT
from app.access.store import LIFE_SECONDS, AccessStore
from app.access.users import RefusedError
from app.page.rendering.login import login_page
from app.page.texts import Texts, preferred, texts_of

T = TypeVar("T")
_MOST_WAITING, _MOST_OF_ADDRESS = 64, 8


class PasswordChecks:
    """Checks one password at a time, apart from all other requests, and lets only so many wait."""

    def __init__(self) -> None:
        self._one = CapacityLimiter(1)
        self._waiting: Counter[str] = Counter()

    async def run(self, address: str, check: Callable[[], T]) -> T:
        """What `check` gives; TooManyFailuresError if too many wait, or too many from this address."""
        if self._waiting.total() >= _MOST_WAITING or self._waiting[address] >= _MOST_OF_ADDRESS:
            raise TooManyFailuresError(1)
        self._waiting[address] += 1
        try:
            return await to_thread.run_sync(check, limiter=self._one)
        finally:
            self._waiting -= Counter([address])


def add_login(app: FastAPI, store: AccessStore, language: str) -> None:
    """Add the log-in and the log-out. `language` is "en", "zh", or "auto" for the browser's."""
    checks = PasswordChecks()

    def texts(request: Request) -> Texts:
        wanted = request.headers.get("accept-language", "")
        return texts_of(preferred(wanted.split(",")[0]) if language == "auto" else language)

    @app.get(LOGIN, include_in_schema=False)
    def asked(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name in the address
        return HTMLResponse(login_page(texts(request), _local(next)))

    @app.post(LOGIN, include_in_schema=False)
    async def given(request: Request) -> Response:
        form = await request.form()
        name, password, following = (str(form.get(field, "")) for field in ("name", "password", "next"))
        source = _source(request)
        try:
            user = await checks.run(source.address, lambda: store.users.check(name, password, source))
        except RefusedError:
            problem = texts(request).wrong_password
            return HTMLResponse(login_page(texts(request), _local(following), problem), 401)
        except TooManyFailuresError as error:
            problem = texts(request).wait_password.format(seconds=error.seconds)
            page = login_page(texts(request), _local(following), problem)
            return HTMLResponse(page, 429, {"Retry-After": str(error.seconds)})
        return await run_in_threadpool(_let_in, store, user, _local(following), request)

    @app.post(LOGOUT, include_in_schema=False)
    def left(request: Request) -> Response:
        name = cookie_name(SESSION, request.url.scheme)
        for secret in cookie_values(request.headers, name):
            store.sessions.end(secret)
        # The browser keeps the conversation, which is not for whoever comes next.
        answer = RedirectResponse(LOGIN, 303, {"Clear-Site-Data": '"storage"'})
        answer.delete_cookie(name, httponly=True, samesite="lax", secure=request.url.scheme == "https")
        return answer


def _source(request: Request) -> Source:
    devices = cookie_values(request.headers, cookie_name(DEVICE, request.url.scheme))
    return Source(request.client.host if request.client else "", next(iter(devices), ""))


def _let_in(store: AccessStore, user: str, following: str, request: Request) -> Response:
    """The way on, with a session, and with the sign of a browser that this user has logged in with."""
    answer = RedirectResponse(following, 303)
    secrets = {
        SESSION: (store.sessions.begin(user), LIFE_SECONDS),
        DEVICE: (store.attempts.new_device(user), DEVICE_SECONDS),
    }
    scheme = request.url.scheme
    for cookie, (secret, seconds) in secrets.items():
        name, encrypted = cookie_name(cookie, scheme), scheme == "https"
        answer.set_cookie(name, secret, seconds, httponly=True, samesite="lax", secure=encrypted)
    return answer


def _local(path: str) -> str:
    """A path of this server; the page itself for anything that might lead elsewhere."""
    leads_here = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if leads_here else "/"
