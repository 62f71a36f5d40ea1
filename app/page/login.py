"""Logging in and out: a form, a cookie that scripts cannot read, and the way back."""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from app.access.middleware import COOKIE, session_of
from app.access.rules import LOGIN, LOGOUT
from app.access.store import LIFE_SECONDS, AccessStore
from app.access.users import RefusedError, TooManyFailuresError
from app.page.rendering.login import login_page
from app.page.texts import Texts, preferred, texts_of


def add_login(app: FastAPI, store: AccessStore, language: str) -> None:
    """Add the log-in and the log-out. `language` is "en", "zh", or "auto" for the browser's."""

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
        try:
            secret = await run_in_threadpool(_session, store, name, password)
        except RefusedError:
            problem = texts(request).wrong_password
            return HTMLResponse(login_page(texts(request), _local(following), problem), 401)
        except TooManyFailuresError as error:
            problem = texts(request).wait_password.format(seconds=error.seconds)
            page = login_page(texts(request), _local(following), problem)
            return HTMLResponse(page, 429, {"Retry-After": str(error.seconds)})
        return _let_in(secret, _local(following), request.url.scheme == "https")

    @app.post(LOGOUT, include_in_schema=False)
    def left(request: Request) -> Response:
        if secret := session_of(request.headers):
            store.sessions.end(secret)
        # The browser keeps the conversation, which is not for whoever comes next.
        answer = RedirectResponse(LOGIN, 303, {"Clear-Site-Data": '"storage"'})
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer


def _session(store: AccessStore, name: str, password: str) -> str:
    return store.sessions.begin(store.users.check(name, password))


def _let_in(secret: str, following: str, encrypted: bool) -> Response:
    answer = RedirectResponse(following, 303)
    answer.set_cookie(COOKIE, secret, max_age=LIFE_SECONDS, httponly=True, samesite="lax", secure=encrypted)
    return answer


def _local(path: str) -> str:
    """A path of this server; the page itself for anything that might lead elsewhere."""
    leads_here = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if leads_here else "/"
