"""The report of a run or of a version: which file it is, and how a browser may show it."""

import re
from pathlib import Path
from typing import Literal

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from app.api.dependencies import Caller
from app.session import Session
from app.versions import REPORT
from knowledge_base.errors import DomainqaError, NotFoundError, StorageError

ADDRESS = "/reports"

# A report is a page of its own that runs nothing, and that only our page may show within itself: a folder
# that somebody imported may bring any report.
_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_RUN_ID = re.compile(r"[\w-][\w.-]{0,199}")


def address_of_run(run_id: str) -> str:
    """Where a browser finds the report of a run."""
    return f"{ADDRESS}/runs/{run_id}"


def address_of_version(reference: str) -> str:
    """Where a browser finds the report of a version of an adapter."""
    return f"{ADDRESS}/adapters/{reference}"


def run_report(session: Session, run_id: str) -> Path:
    """The report's file; NotFoundError if there is no such run, or no report of it yet."""
    report = session.retraining(run_id).report if _RUN_ID.fullmatch(run_id) else None
    return _existing(report, run_id)


def version_report(session: Session, reference: str) -> Path:
    """The report's file; NotFoundError if there is no such version, or it has none."""
    return _existing(session.version(reference).folder / REPORT, reference)


def add_reports(app: FastAPI) -> None:
    """Add the route of reports."""

    @app.get(f"{ADDRESS}/{{kind}}/{{name}}", include_in_schema=False)
    def report(kind: Literal["runs", "adapters"], name: str, session: Caller) -> Response:
        return report_response(session, kind, name)


def report_response(session: Session, kind: str, name: str) -> Response:
    """What is sent for an address of a report."""
    try:
        file = run_report(session, name) if kind == "runs" else version_report(session, name)
        return HTMLResponse(_text(file), headers={"Content-Security-Policy": _POLICY})
    except DomainqaError as error:
        return PlainTextResponse(session.readable(f"{error.cause} {error.remedy}"), status_code=404)


def _existing(file: Path | None, name: str) -> Path:
    if file is None or not file.is_file():
        raise NotFoundError(
            f"There is no report of {name}.", "A retraining writes its report when it has finished."
        )
    return file


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{file} cannot be read: {error}.", "Make it readable.") from error
