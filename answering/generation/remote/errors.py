"""What goes wrong between us and a server, in the words of domainqa's errors."""

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from answering.generation.remote.endpoint import Endpoint
from knowledge_base.errors import DomainqaError, InputError, NotFoundError, UnavailableError

_REFUSES_KEY = frozenset({401, 403})
_REFUSES_REQUEST = frozenset({400, 413, 422})
_LACKS = frozenset({404, 405, 501})
_BUSY = frozenset({429, 503})
_GATEWAY = frozenset({502, 504})


class CallError(Exception):
    """One call that failed.

    `is_down` says that the server did not do its part, `is_temporary` that the same call may succeed later,
    `retry_after` how many seconds the server asks to wait first.
    """

    def __init__(
        self,
        error: DomainqaError,
        *,
        is_down: bool = False,
        is_temporary: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.is_down = is_down
        self.is_temporary = is_temporary
        self.retry_after = retry_after


def connection_error(endpoint: Endpoint, error: httpx2.TransportError) -> CallError:
    """No answer, or none that is HTTP, before anything of it was used."""
    if isinstance(error, httpx2.ReadTimeout):
        return _silence(endpoint)
    why = str(error) or type(error).__name__
    if isinstance(error, httpx2.TimeoutException):
        why = f"no connection within {endpoint.connect_seconds:g} seconds"
    cause = f"The generator at {endpoint.url} does not answer: {endpoint.quote(why)}."
    remedy = "Start it, or correct generator_url in the settings."
    return CallError(UnavailableError(cause, remedy), is_down=True, is_temporary=True)


def interruption(endpoint: Endpoint, error: httpx2.TransportError | None = None) -> CallError:
    """An answer that was begun and has no end."""
    if isinstance(error, httpx2.ReadTimeout):
        return _silence(endpoint)
    cause = f"The generator at {endpoint.url} broke off in the middle of its answer."
    remedy = "Ask again; if it happens again, check the server's log."
    return CallError(UnavailableError(cause, remedy), is_down=True, is_temporary=True)


def failure_in_stream(endpoint: Endpoint, chunk: str) -> CallError:
    """An error that a server reports after it has begun to answer."""
    cause = (
        f"The generator at {endpoint.url} failed while it was answering: {endpoint.quote(message_in(chunk))}."
    )
    return CallError(UnavailableError(cause, "Check the server's log, and ask again."), is_down=True)


def protocol_error(endpoint: Endpoint) -> CallError:
    """An answer that is not what the protocol says."""
    cause = f"The server at {endpoint.url} does not speak OpenAI's protocol."
    remedy = "Correct generator_url in the settings: the address of the server, with /v1."
    return CallError(UnavailableError(cause, remedy))


def response_error(endpoint: Endpoint, response: httpx2.Response) -> CallError:
    """A status that is not success; the body has been read."""
    code, server = response.status_code, f"The generator at {endpoint.url}"
    message = endpoint.quote(message_in(response.text)) or f"status {code}"
    if code in _REFUSES_KEY:
        cause = f"{server} refuses the key (status {code})."
        remedy = "Set generator_api_key in the settings, or as DOMAINQA_GENERATOR_API_KEY."
        return CallError(UnavailableError(cause, remedy))
    if code in _REFUSES_REQUEST:
        cause = f"{server} rejects the request: {message}."
        remedy = (
            "If it is about tokens, ask a shorter question, pack fewer passages or start the server with a "
            "larger context."
        )
        return CallError(InputError(cause, remedy))
    if code in _LACKS:
        cause = f"{server} does not know the model or the address: {message}."
        remedy = "Set generator to the name of a model that it serves, and generator_url to its address."
        return CallError(NotFoundError(cause, remedy))
    if code in _BUSY:
        busy = UnavailableError(f"{server} is too busy (status {code}): {message}.", "Ask again in a while.")
        wait = _seconds_until(response.headers.get("retry-after", ""))
        return CallError(busy, is_temporary=True, retry_after=wait)
    failed = UnavailableError(
        f"{server} failed (status {code}): {message}.", "Check the server's log, and ask again."
    )
    return CallError(failed, is_down=True, is_temporary=code in _GATEWAY)


def message_in(body: str) -> str:
    """The message of an error's body: {"error": {"message": …}}, as most servers write it, or its text."""
    try:
        found = json.loads(body)
    except ValueError:
        return body
    while isinstance(found, dict):
        found = found.get("error", found.get("message", found.get("detail", "")))
    return str(found)


def _silence(endpoint: Endpoint) -> CallError:
    cause = f"The generator at {endpoint.url} has sent nothing for {endpoint.read_seconds:g} seconds."
    remedy = "Check whether it is overloaded, or raise generator_read_seconds in the settings."
    return CallError(UnavailableError(cause, remedy), is_down=True)


def _seconds_until(header: str) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110, 10.2.3)."""
    if header.isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
