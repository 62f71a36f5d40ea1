"""Every failure of the API as OpenAI's clients expect it: a status and {"error": {message, type, …}}."""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.access.values import ForbiddenError
from app.openai_error import error_shape
from knowledge_base.errors import (
    BusyError,
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
    (BusyError, 429),
    (UnavailableError, 503),
    (InputError, 422),
)
_OTHER = 503
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_FIRST_SERVER_ERROR = 500
_RETRY_SECONDS = "2"


def status_of(error: DomainqaError) -> int:
    """The HTTP status of a failure."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), _OTHER)


def failure_shape(error: DomainqaError) -> object:
    """The body of a failure of ours; its code is the kind of error."""
    return error_shape(str(error), _kind(status_of(error)), _code(error))


def answer_errors(app: FastAPI) -> None:
    """Make the application answer failures in this shape."""
    app.add_exception_handler(DomainqaError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainqaError)
    status = status_of(error)
    headers = {"Retry-After": _RETRY_SECONDS} if status in {429, 503} else None
    return JSONResponse(failure_shape(error), status, headers)


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problems = [_problem(detail) for detail in error.errors()]
    message = "; ".join(f"{place}: {told}" if place else told for place, told in problems)
    return JSONResponse(
        error_shape(f"{message}.", _kind(422), "invalid_request", problems[0][0] or None), 422
    )


def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse(
        error_shape(str(error.detail), _kind(error.status_code)), error.status_code, error.headers
    )


def _kind(status: int) -> str:
    usual = "server_error" if status >= _FIRST_SERVER_ERROR else "invalid_request_error"
    return _TYPES.get(status, usual)


def _problem(detail: Mapping[str, object]) -> tuple[str, str]:
    place = detail["loc"]
    assert isinstance(place, Sequence)
    return ".".join(str(part) for part in place[1:]), str(detail["msg"]).removeprefix("Value error, ")


def _code(error: DomainqaError) -> str:
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
