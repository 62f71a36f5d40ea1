"""Every failure of the API as OpenAI's clients expect it: a status and {"error": {message, type, …}}."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.access.values import ForbiddenError
from app.schema import Failure, error_body
from knowledge_base.errors import (
    BusyError,
    ConflictError,
    DomainqaError,
    InputError,
    MismatchError,
    NotFoundError,
    UnavailableError,
)

# The first that fits; what is not listed is a fault of this machine.
_STATUSES: tuple[tuple[type[DomainqaError], int], ...] = (
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (MismatchError, 409),
    (ConflictError, 409),
    (BusyError, 429),
    (UnavailableError, 503),
    (InputError, 422),
)
_OTHER = 503


class FieldError(InputError):
    """A field of a request that cannot be used; `param` is its place in the body."""

    def __init__(self, param: str, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.param = param


class ModelNotFoundError(NotFoundError):
    """A model that a request names and that does not exist."""

    param = "model"


# As the description tells them; a route says beside it what it answers when all is well.
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": told}
    for status, told in (
        (401, "No key, or one that is not known."),
        (403, "The key may not do this."),
        (404, "There is no such collection, document, adapter or job."),
        (409, "It is there already, or was made otherwise."),
        (413, "The body is too large."),
        (422, "The request cannot be used; the message names the field."),
        (429, "Too many requests; try again after Retry-After seconds."),
        (500, "A defect; the server's log says more."),
        (503, "A model, server or file that is needed does not answer."),
    )
}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_DEFECT = 500
DEFECT = "The server failed unexpectedly; its log says why."
# What FastAPI says of a body, in words that name the cause and the remedy.
_TOLD = {
    "There was an error parsing the body": "The body cannot be read as JSON: it is not in UTF-8, is nested "
    "too deeply, or has a number of too many digits. Correct it.",
}
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_RETRY_SECONDS = "2"


def status_of(error: DomainqaError) -> int:
    """The HTTP status of a failure."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), _OTHER)


def failure_body(error: DomainqaError) -> object:
    """The body of a failure of ours; its code is the kind of error."""
    param: str | None = getattr(error, "param", None)
    return error_body(str(error), _kind(status_of(error)), code_of(error), param)


def not_found() -> APIRouter:
    """The last route under /v1: a path that no other takes is a failure of the API, not of the page."""
    routes = APIRouter()

    @routes.api_route("/v1/{path:path}", methods=_METHODS, include_in_schema=False)
    def nowhere(path: str, request: Request) -> None:
        raise HTTPException(404, f"There is no {request.method} /v1/{path}; /docs lists the routes.")

    return routes


def answer_errors(app: FastAPI) -> None:
    """Make the application answer failures in this shape."""
    app.add_exception_handler(DomainqaError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainqaError)
    status = status_of(error)
    headers = {"Retry-After": _RETRY_SECONDS} if status in {429, 503} else None
    return JSONResponse(failure_body(error), status, headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    places = [detail["loc"] for detail in error.errors()]
    # A list whose item is wrong is also told to be too short: what is wrong within a field says enough.
    outer = {place[:end] for place in places for end in range(len(place))}
    problems = [_problem(detail) for detail in error.errors() if detail["loc"] not in outer]
    message = "; ".join(f"{place}: {told}" if place else told for place, told in problems)
    return JSONResponse(error_body(f"{message}.", _kind(422), "invalid_request", problems[0][0] or None), 422)


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    told = _TOLD.get(str(error.detail), str(error.detail))
    return JSONResponse(error_body(told, _kind(error.status_code)), error.status_code, error.headers)


def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    """A defect of ours: it is raised on behind the response, and the server's log has it whole."""
    return JSONResponse(error_body(DEFECT, _kind(_DEFECT), "defect"), _DEFECT)


def _kind(status: int) -> str:
    usual = "server_error" if status >= _DEFECT else "invalid_request_error"
    return _TYPES.get(status, usual)


def _problem(detail: Mapping[str, object]) -> tuple[str, str]:
    if detail["type"] == "json_invalid":
        return "", f"The body is not JSON: {_reason(detail)}"
    place = detail["loc"]
    assert isinstance(place, Sequence)
    return ".".join(str(part) for part in place[1:]), str(detail["msg"]).removeprefix("Value error, ")


def _reason(detail: Mapping[str, object]) -> str:
    context = detail["ctx"]
    assert isinstance(context, Mapping)
    return str(context["error"])


def code_of(error: DomainqaError) -> str:
    """The kind of a failure as one word: "not_found"."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
