"""What goes wrong between us and a server, said in the words of domainqa's errors."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from answering.generation.remote.endpoint import Endpoint
from knowledge_base.errors import DomainqaError, InputError, NotFoundError, UnavailableError

_BAD_REQUEST, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_LARGE, _SENSELESS = 400, 401, 403, 404, 413, 422
_BUSY = frozenset({429, 503})
_GATEWAY = frozenset({502, 504})
_LACKING = frozenset({_NOT_FOUND, 405, 501})


class Failed(Exception):
    """One call that failed.

    `away` says that the server did not do its part, `passing` that the same call may succeed in a while,
    `wait` how many seconds the server asks to wait first.
    """

    def __init__(
        self, error: DomainqaError, *, away: bool = False, passing: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.away = away
        self.passing = passing
        self.wait = wait


def of_connection(endpoint: Endpoint, error: httpx2.TransportError) -> Failed:
    """No answer, or none that is HTTP, before anything of it was used."""
    if isinstance(error, httpx2.ReadTimeout):
        return Failed(_silent(endpoint), away=True)
    why = str(error) or type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        why = f"no connection within {endpoint.connect_seconds:g} seconds"
    return Failed(
        UnavailableError(
            f"The generator at {endpoint.url} does not answer: {endpoint.quoted(why)}.",
            "Start it, or correct generator_url in the settings.",
        ),
        away=True,
        passing=True,
    )


def of_interruption(endpoint: Endpoint, error: httpx2.TransportError | None = None) -> Failed:
    """An answer that was begun and has no end."""
    if isinstance(error, httpx2.ReadTimeout):
        return Failed(_silent(endpoint), away=True)
    return Failed(
        UnavailableError(
            f"The generator at {endpoint.url} broke off in the middle of its answer.",
            "Ask again; if it happens again, look at what the server logs.",
        ),
        away=True,
        passing=True,
    )


def of_sense(endpoint: Endpoint) -> Failed:
    """An answer that is not what the protocol says."""
    return Failed(
        UnavailableError(
            f"What answers at {endpoint.url} does not speak OpenAI's protocol.",
            "Correct generator_url in the settings: the address of the server, with /v1.",
        )
    )


def of_response(endpoint: Endpoint, response: httpx2.Response) -> Failed:
    """A status that is not success; the body has been read."""
    code = response.status_code
    said = endpoint.quoted(message_in(response.text)) or f"status {code}"
    if code in (_UNAUTHORISED, _FORBIDDEN):
        return Failed(
            UnavailableError(
                f"The generator at {endpoint.url} refuses the key (status {code}).",
                "Set generator_api_key in the settings, or as DOMAINQA_GENERATOR_API_KEY.",
            )
        )
    if code in (_BAD_REQUEST, _TOO_LARGE, _SENSELESS):
        return Failed(
            InputError(
                f"The generator at {endpoint.url} does not take the request: {said}.",
                "If it is about tokens, ask a shorter question, pack fewer passages or start the server "
                "with a larger context.",
            )
        )
    if code in _LACKING:
        return Failed(
            NotFoundError(
                f"The generator at {endpoint.url} does not find what it is asked for: {said}.",
                "Set generator to the name of a model that it serves, and generator_url to its address.",
            )
        )
    if code in _BUSY:
        return Failed(
            UnavailableError(
                f"The generator at {endpoint.url} is too busy (status {code}): {said}.",
                "Ask again in a while.",
            ),
            passing=True,
            wait=_wanted_wait(response.headers.get("retry-after", "")),
        )
    return Failed(
        UnavailableError(
            f"The generator at {endpoint.url} failed (status {code}): {said}.",
            "Look at what the server logs, and ask again.",
        ),
        away=True,
        passing=code in _GATEWAY,
    )


def message_in(body: str) -> str:
    """The message of an error's body: {"error": {"message": …}}, as most servers write it, or its text."""
    try:
        told = json.loads(body)
    except ValueError:
        return body
    while isinstance(told, dict):
        told = told.get("error", told.get("message", told.get("detail", "")))
    return str(told)


def _silent(endpoint: Endpoint) -> UnavailableError:
    return UnavailableError(
        f"The generator at {endpoint.url} has said nothing for {endpoint.read_seconds:g} seconds.",
        "Look whether it is overloaded, or raise generator_read_seconds in the settings.",
    )


def _wanted_wait(header: str) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110, 10.2.3)."""
    if header.isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
