"""What those who run the server ask: is it alive, can it answer, how is it doing."""

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from app.api.answering import Queue
from app.api.caller import Caller
from app.workspace import Workspace
from knowledge_base.errors import DomainqaError


def operation_routes(workspace: Workspace, queue: Queue) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["operation"])
    workspace.metrics.watch(
        "domainqa_questions_inside", "Questions of programs that wait or are answered.", lambda: queue.inside
    )

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the process answers at all."""
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        """Whether questions can be answered: 503 names what is not ready; `domainqa doctor` says why."""
        checks: dict[str, Callable[[], object]] = {
            "collections": workspace.collections,
            "adapters": workspace.adapters,
            "generator": lambda: workspace.count_tokens(["ready"]),
        }
        missing = [name for name, check in checks.items() if not _works(check)]
        if missing:
            return JSONResponse({"status": "not ready", "missing": missing}, 503)
        return JSONResponse({"status": "ready"})

    @routes.get("/metrics")
    def metrics(session: Caller) -> Response:
        """Counts and times in Prometheus' text format."""
        return Response(session.metrics(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _works(check: Callable[[], object]) -> bool:
    try:
        check()
    except DomainqaError:
        return False
    return True
