"""The web server: one FastAPI application with the page at "/", on one address and port."""

import asyncio
import errno
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from mcp.server.mcpserver import MCPServer
from starlette.concurrency import run_in_threadpool
from starlette.types import Lifespan

from app import log, telemetry
from app.access.bodies import BodyLimit
from app.access.middleware import Access, RateLimit
from app.access.rules import asks, host_names, is_loopback
from app.access.store import AccessStore
from app.announcement import Announcer, Usual
from app.api.answering import Queue
from app.api.jobs import Jobs
from app.api.mount import add_api
from app.mcp import http_route, mcp_server, session_of_request
from app.middleware import Guard, RequestLog
from app.page.files import FileValues
from app.page.layout import Page
from app.page.login import add_login
from app.page.reports import add_reports
from app.page.runs import Runs
from app.page.theme import theme
from app.settings import Settings, load_settings
from app.spool import Spool, spooling
from app.workspace import Workspace
from knowledge_base.errors import BusyError, InputError
from knowledge_base.memory import share_arenas

_PAGE = Path(__file__).parent / "page"
_STOP_SECONDS = 3  # how long work may take to end after it was told to
_FLUSH_SECONDS = 0.2  # in which last words reach their clients
# Longer than clients and load balancers keep idle connections (5 to 60 seconds): who closes first must not be
# the server, or a request is lost that is sent at that moment.
_IDLE_SECONDS = 75
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a server on all addresses is reached
_QUEUED = 64  # events of all sessions that may wait; more are refused, with a message


def create_app(
    workspace: Workspace, settings: Settings, runs: Runs, uploads: Path, token: str = ""
) -> FastAPI:
    """The application: the page, whose work goes on in `runs`, the API, reports, and what guards them.

    Files given to the page lie in `uploads`. The commands of the owner show `token`; "" lets none in.
    """
    jobs = Jobs(workspace, settings.home)
    tools = mcp_server(session_of_request(workspace), settings)
    app = FastAPI(
        title="domainqa",
        version=version("domainqa"),
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(jobs, tools),
        telemetry=telemetry.of_requests(),
    )
    add_api(app, workspace, settings, jobs)
    app.router.routes.append(http_route(tools))
    add_reports(app)
    store = AccessStore(settings.home)
    add_login(app, store, settings.language)
    _add_page(app, Page(workspace, runs, settings.max_file_megabytes, settings.language), settings)
    _guard(app, store, settings, uploads, token)
    return app


def _lifespan(jobs: Jobs, tools: MCPServer[Any]) -> Lifespan[FastAPI]:
    """What begins and ends with the server."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(jobs.resume)
        async with tools.session_manager.run():
            yield
        jobs.close()

    return lifespan


def _add_page(app: FastAPI, page: Page, settings: Settings) -> None:
    """The page, without what Gradio offers beside it; nothing of the home can be fetched as a file."""
    page.blocks.queue(api_open=False, max_size=_QUEUED)
    gr.mount_gradio_app(
        app,
        page.blocks,
        path="/",
        footer_links=[],
        show_error=False,
        allowed_paths=[],
        blocked_paths=[str(settings.home), str(settings.models_cache)],
        max_file_size=f"{settings.max_file_megabytes}mb",
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        favicon_path=str(_PAGE / "favicon.svg"),
        theme=theme(),
        css_paths=[_PAGE / "style.css"],
        js=(_PAGE / "page.js").read_text(encoding="utf-8"),
    )


def _guard(app: FastAPI, store: AccessStore, settings: Settings, uploads: Path, token: str) -> None:
    """What every request passes, from the last line to the first."""
    write = log.write if settings.log_requests else log.nowhere
    app.state.workspace.metrics.log = write
    rate = RateLimit(settings.home, settings.requests_per_minute)
    spool = Spool(settings.home, settings.max_waiting_megabytes)
    app.add_middleware(FileValues, folder=uploads)
    app.add_middleware(BodyLimit, megabytes=settings.max_request_megabytes, spool=spool)
    app.add_middleware(Access, store=store, required=asks(settings), rate=rate, token=token)
    app.add_middleware(Guard, hosts=host_names(settings))
    app.add_middleware(RequestLog, write=write)


class Server:
    """Holds its port from the moment it is made, so that a taken one is known before models are loaded.

    Raises BusyError when the port is taken, InputError for an address that cannot be used.
    """

    def __init__(self, workspace: Workspace, settings: Settings) -> None:
        self._workspace = workspace
        self._settings = settings
        _require_somebody(settings)
        self._socket = _bound(settings.host, settings.port)
        self._server: uvicorn.Server | None = None

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def run(self, ready: Callable[[str], None]) -> None:
        """Serve until `stop` or a signal (Ctrl-C, SIGTERM); `ready` is given the address.

        Uploads lie in a private folder of the home that goes with the server.
        """
        share_arenas()
        with spooling(self._settings.home) as folder:
            runs, announcer = Runs(), Announcer(self._settings.home)
            app = create_app(self._workspace, self._settings, runs, folder, announcer.token)
            config = uvicorn.Config(
                app,
                log_level="error",
                access_log=False,
                timeout_graceful_shutdown=_STOP_SECONDS,
                timeout_keep_alive=_IDLE_SECONDS,
                server_header=False,
                forwarded_allow_ips=list(self._settings.trusted_proxies),
            )

            def begin() -> None:
                self._announce(announcer)
                ready(self.address)

            queue: Queue = app.state.queue
            jobs: Jobs = app.state.jobs

            def leave() -> None:
                announcer.withdraw()
                queue.close()

            def end() -> None:
                queue.end()
                runs.close()

            def is_busy() -> bool:
                return bool(queue.inside or runs.active or jobs.is_working)

            ending = _Ending(leave, is_busy, end, self._settings.stop_seconds)
            self._server = _Server(config, begin, ending)
            with self._socket, _signals_end_quietly():
                try:
                    self._server.run(sockets=[self._socket])
                finally:
                    announcer.withdraw()

    def _announce(self, announcer: Announcer) -> None:
        """Let the commands of the owner know; where the home cannot hold that, they work by themselves."""
        usual = load_settings({"home": self._settings.home})
        if usual.use_server == "off":
            return
        host, port = self._socket.getsockname()[:2]
        here = _LOOPBACK.get(host, host)
        try:
            announcer.announce(here, port, Usual(usual.collection, usual.locale, usual.max_question_chars))
        except OSError as error:
            log.write("not announced", reason=str(error))

    def stop(self) -> None:
        """End the server from another thread."""
        if self._server is not None:
            self._server.should_exit = True


@dataclass(frozen=True, slots=True)
class _Ending:
    """How the work ends: `leave` takes no more, and after at most `seconds` of `is_busy`, `end` stops it."""

    leave: Callable[[], None]
    is_busy: Callable[[], bool]
    end: Callable[[], None]
    seconds: float


class _Server(uvicorn.Server):
    """Tells when it answers; lets open answers end, within bounds, before it closes their connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], ending: _Ending) -> None:
        super().__init__(config)
        self._ready = ready
        self._ending = ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then tell."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the work, tell its clients, then close; a second signal ends it at once."""
        self._ending.leave()
        for server in self.servers:
            server.close()
        await self._until_idle(self._ending.seconds)
        self._ending.end()
        await self._until_idle(_STOP_SECONDS)
        await asyncio.sleep(_FLUSH_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.close()  # as if the client had left: cancelled tasks would fill the log
        await super().shutdown(sockets)

    async def _until_idle(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._ending.is_busy() and not self.force_exit:
                    await asyncio.sleep(_FLUSH_SECONDS / 4)


def _require_somebody(settings: Settings) -> None:
    """InputError if callers have to say who they are and nobody could."""
    if not asks(settings) or not AccessStore(settings.home).is_empty():
        return
    if is_loopback(settings.host):
        cause = "The settings require a key or a login from every caller"
    else:
        cause = f"The address {settings.host} can be reached by other machines"
    raise InputError(
        f"{cause}, but no key or user exists.",
        "Add one: domainqa users add NAME --role admin, or domainqa keys create NAME.",
    )


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BusyError(
                f"The port {port} of {host} is in use by another program.",
                "Choose another port with --port; 0 takes a free one.",
            ) from error
        raise InputError(
            f"The page cannot listen on {host}, port {port}: {error.strerror}.",
            "Use 127.0.0.1 and a port above 1023; port 0 takes a free one.",
        ) from error


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more; here it is the regular end.

    Python waits without bound for threads that read a prompt or a document: those have a last delay.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ended(number: int, frame: FrameType | None) -> None:
        last = threading.Timer(_STOP_SECONDS, os._exit, (0,))
        last.daemon = True
        last.start()

    before = {number: signal.signal(number, ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
