"""Joins the routes of the API to the application."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from app.api.answering import Queue
from app.api.chat import chat_routes
from app.api.collections import collection_routes
from app.api.documents import document_routes, job_routes
from app.api.elsewhere import elsewhere
from app.api.errors import FAILURES, answer_errors
from app.api.generate import generate_routes
from app.api.jobs import Jobs
from app.api.operation import operation_routes
from app.api.reference import reference_page
from app.api.search import search_routes
from app.settings import Settings
from app.workspace import Workspace


def add_api(app: FastAPI, workspace: Workspace, settings: Settings, jobs: Jobs) -> None:
    """Add all routes under /v1, those of operation, the shape of failures, and the page that lists them."""
    app.state.workspace = workspace
    queue = Queue(settings.max_waiting, settings.answer_seconds)
    for routes in (
        chat_routes(queue, settings.collection),
        generate_routes(queue, settings.collection),
        search_routes(settings.collection),
        collection_routes(),
        document_routes(jobs, settings.max_file_megabytes * 2**20),
        job_routes(jobs),
    ):
        app.include_router(routes, responses=FAILURES)
    app.include_router(operation_routes(workspace, queue))
    app.include_router(elsewhere())
    answer_errors(app)

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference_page(app.openapi()))
