"""Answers to callers who may not: programs get the shape that OpenAI's clients know, people a log-in."""

from collections.abc import Mapping
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.access.rules import LOGIN
from app.access.values import Right
from app.openai_error import error_shape

_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_NEEDED: dict[Right, str] = {"read": "reader", "write": "editor", "admin": "admin"}


def refusal(
    status: int, message: str, code: str, kind: str = "invalid_request_error", more: Mapping[str, str] = {}
) -> JSONResponse:
    """An error in OpenAI's shape."""
    return JSONResponse(error_shape(message, kind, code), status, headers=dict(more))


def wrong_key() -> Response:
    """A key that is nobody's."""
    return refusal(
        401, "This key is not known, or was revoked.", "invalid_api_key", "authentication_error", _CHALLENGE
    )


def unknown(path: str, headers: Headers) -> Response:
    """Nobody: a browser that opens a page is led to the log-in and back."""
    if "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"{LOGIN}?next={quote(path)}", 303)
    message = "Send a key as 'Authorization: Bearer KEY', or log in."
    return refusal(401, message, "missing_api_key", "authentication_error", _CHALLENGE)


def forbidden(right: Right) -> Response:
    """Somebody whose role is too small."""
    message = f"This needs the role {_NEEDED[right]}."
    return refusal(403, message, "insufficient_permissions", "permission_error")


def too_many(seconds: int) -> Response:
    """A key that is used too often."""
    message = f"This key was used too often. Try again in {seconds} seconds."
    return refusal(429, message, "rate_limit_exceeded", "rate_limit_error", {"Retry-After": str(seconds)})


def too_large(megabytes: int) -> Response:
    """A request with too large a body; the rest of it is not read."""
    return refusal(
        413, f"A request may have {megabytes:,} MB.", "request_too_large", more={"Connection": "close"}
    )


def unavailable() -> Response:
    """Users and keys cannot be read; `domainqa doctor` says why."""
    return refusal(503, "Users and keys cannot be read now.", "access_unavailable", "server_error")
