"""Asks the server that runs on a home, with nothing but the standard library: see `app.api.operations`."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import SimpleNamespace
from typing import Any

from app.announcement import LINES, Announcement
from knowledge_base.errors import DomainqaError, UnavailableError

Hear = Callable[[str, Any], None]

# A server sends something each second; one that loads models may hold its breath for a while.
_SILENCE_SECONDS = 90.0
_DEFECT = 500


class NotUsedError(Exception):
    """The server has not begun to work on it, and says why."""


def ask_server(server: Announcement, operation: str, given: Mapping[str, object], hear: Hear) -> str:
    """The result of an operation as JSON; `hear` takes the news before it.

    Raises:
        NotUsedError: the server does not answer or accept this; nothing has been done.
        UnavailableError: it went away in the middle.
        DomainqaError: what the operation raised there, with its exit code.
    """
    connection = HTTPConnection(server.host, server.port, timeout=_SILENCE_SECONDS)
    with closing(connection):
        try:
            connection.connect()
        except OSError as error:
            raise NotUsedError(f"it does not answer ({error.strerror or error})") from error
        for kind, value in _news(connection, server.token, operation, given):
            if kind == "result":
                return value
            if kind == "error":
                raise _failure(*json.loads(value))
            hear(kind, parsed(value))
    raise _gone()


def parsed(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """JSON with its objects as values that have attributes, like the models of `app.schema`."""
    return json.loads(text, object_hook=lambda found: SimpleNamespace(**found))


def _news(
    connection: HTTPConnection, token: str, operation: str, given: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Kind and value of each line; ends where the connection does."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"/v1/operations/{operation}", json.dumps(given), headers)
        response = connection.getresponse()
        _require_lines(response)
        for line in response:
            kind, _, value = line.decode().strip().partition(" ")
            if kind:
                yield kind, value
    except (OSError, HTTPException) as error:
        raise _gone() from error


def _require_lines(response: HTTPResponse) -> None:
    if response.status >= _DEFECT and response.headers.get_content_type() != LINES:
        raise _failure("The server failed unexpectedly; its log says why.", "", 1)
    if response.headers.get_content_type() != LINES:
        raise NotUsedError(f"it refused the command (status {response.status})")


def _failure(cause: str, remedy: str, exit_code: int) -> DomainqaError:
    error = DomainqaError(cause, remedy)
    error.exit_code = exit_code
    return error


def _gone() -> UnavailableError:
    return UnavailableError(
        "The server ended or fell silent before it had finished. What it was asked has not been repeated.",
        "Run the command again.",
    )
