"""Joins the API to the application: its routes, those of operation, and the shape of failures."""

from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from answering.references import BASE
from answering.values import Task
from app import log
from app.api.answering import Queue
from app.api.answers import answer_routes
from app.api.dependencies import Caller
from app.api.documents import document_routes
from app.api.errors import FAILURES, answer_errors, not_found
from app.api.jobs import Jobs
from app.api.openai.chat import chat_routes
from app.api.openai.completions import completion_routes
from app.api.openai.models import model_routes
from app.api.openai.reply import Manner
from app.api.openai.responses import response_routes
from app.api.openai.vectors import vector_routes
from app.api.operations import operation_routes
from app.api.reference import reference_page
from app.factories import runs_in_process
from app.settings import Settings
from app.workspace import Workspace
from knowledge_base.errors import DomainqaError
from retrieval.prompt import Message


def add_api(app: FastAPI, workspace: Workspace, settings: Settings, jobs: Jobs) -> None:
    """Add all routes under /v1, those of operation, the shape of failures, and the page that lists them."""
    app.state.workspace, app.state.jobs = workspace, jobs
    queue = app.state.queue = Queue(settings.max_waiting, settings.answer_seconds)
    manner = Manner(settings.collection, settings.append_sources)
    for routes in (
        model_routes(),
        chat_routes(queue, manner),
        response_routes(queue, manner),
        completion_routes(queue, manner),
        vector_routes(queue),
        answer_routes(queue, settings.collection),
        document_routes(jobs, settings.max_file_megabytes * 2**20),
    ):
        app.include_router(routes, responses=FAILURES)
    app.include_router(operation_routes(queue, workspace, settings))
    app.include_router(_monitoring_routes(workspace, queue))
    app.include_router(not_found())
    answer_errors(app)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference_page(app.openapi()))


def _monitoring_routes(workspace: Workspace, queue: Queue) -> APIRouter:
    """What those who run the server ask: is it alive, can it answer, how is it doing."""
    routes = APIRouter(tags=["operation"])
    workspace.metrics.watch(
        "domainqa_questions_inside", "Questions of programs that wait or are answered.", lambda: queue.inside
    )

    reasons = _Reasons()

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the process answers at all."""
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        """Whether questions can be answered: 503 names what is not ready, 200 what is impaired.

        The log of the server says why, and `domainqa doctor` too.
        """
        if workspace.warming.locked():  # else each look would wait for the models, and hold a thread
            return JSONResponse({"status": "not ready", "missing": ["models"]}, 503)
        checks: dict[str, Callable[[], object]] = {
            "collections": workspace.collections,
            "adapters": workspace.adapters,
            "embedder": lambda: workspace.embedder().embed(["ready"], "query"),
            "generator": lambda: _can_write(workspace),
        }
        missing = [name for name, check in checks.items() if not reasons.works(name, check)]
        if missing:
            return JSONResponse({"status": "not ready", "missing": missing}, 503)
        return _impaired(workspace, reasons)

    @routes.get("/metrics")
    def metrics(session: Caller) -> Response:
        """Counts and times in Prometheus' text format."""
        return Response(session.metrics(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _can_write(workspace: Workspace) -> None:
    """Raises what keeps the generator from writing; one in this process is loaded, and writes nothing."""
    workspace.count_tokens(["ready"])
    if runs_in_process(workspace.settings):
        workspace.write(Task((Message("user", "ready"),), workspace.settings.collection, BASE))


def _impaired(workspace: Workspace, reasons: "_Reasons") -> JSONResponse:
    """Ready, with what is impaired; not if that is the adapter that answers whoever names no other."""
    broken = [info.problem for info in workspace.collections() if info.problem]
    impaired = ["collections"] if broken else []
    problems = workspace.adapter_problems()
    reasons.note("some collections", " ".join(broken))
    reasons.note("some adapters", " ".join(map(str, problems.values())))
    if problems:
        if workspace.adapters()[0] in problems:
            return JSONResponse({"status": "not ready", "missing": ["adapters"]}, 503)
        impaired.append("adapters")
    told: dict[str, object] = {"impaired": impaired} if impaired else {}
    return JSONResponse({"status": "ready", **told})


class _Reasons:
    """Why parts of the server cannot be used: a line of the log whenever that changes."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def works(self, part: str, check: Callable[[], object]) -> bool:
        """Whether a check passes."""
        reason = ""
        try:
            check()
        except DomainqaError as error:
            reason = str(error)
        self.note(part, reason)
        return not reason

    def note(self, part: str, reason: str) -> None:
        """The reason of a part, "" if it can be used."""
        if reason != self._known.get(part, ""):
            log.write("not ready" if reason else "ready again", part=part, reason=reason)
            self._known[part] = reason
