"""Calls to an OpenAI-compatible server: tried again before an answer begins, never after."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import cache
from typing import Self, TypeVar

import httpx2

from answering.generation.decoding import Chunk
from answering.generation.protocol import TokenCounts, finish_of
from answering.generation.remote import errors
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.errors import CallError
from knowledge_base.errors import UnavailableError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` in all; pauses double from `first_seconds` on and never exceed `longest_seconds`.

    A part of each pause is random, so that callers who failed together do not come back together.
    """

    attempts: int = 4
    first_seconds: float = 0.5
    longest_seconds: float = 20.0

    def pause(self, failures: int, retry_after: float | None, chance: float) -> float | None:
        """Seconds until the next attempt, None to give up.

        Args:
            failures: how many attempts have failed.
            retry_after: seconds that the server asked to wait, if it did.
            chance: a random number in 0…1.
        """
        if failures >= self.attempts or (retry_after or 0.0) > self.longest_seconds:
            return None
        usual = min(self.first_seconds * 2.0 ** (failures - 1), self.longest_seconds)
        return (retry_after or usual / 2) + chance * usual / 2


class Breaker:
    """A circuit breaker: after `failures` in a row no call is made for `pause_seconds`, then one to find out.

    For calls of one event loop. After Nygard, Release It! (2nd edition, 2018), chapter 5.
    """

    def __init__(
        self, failures: int = 5, pause_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._pause = pause_seconds
        self._clock = clock
        self._failed = 0
        self._opened = 0.0
        self._trying = False

    def refuses_for(self) -> float | None:
        """None if a call may be made now, which is then the one that finds out; else the seconds to wait."""
        if self._failed < self._limit:
            return None
        left = self._opened + self._pause - self._clock()
        if left > 0 or self._trying:
            return max(left, 0.0)
        self._trying = True
        return None

    def record(self, is_down: bool | None) -> None:
        """How a call ended: whether the server failed, or None if that was not found out."""
        self._trying = False
        if is_down:
            self._failed += 1
            self._opened = self._clock()
        elif is_down is not None:
            self._failed = 0


@cache
def breaker_of(url: str) -> Breaker:
    """The one breaker of a server in this process."""
    return Breaker()


class Client:
    """One server, called from the portal's event loop. Every call raises domainqa's errors.

    `tokens` counts those that the server reports to have read and written.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        retries: RetryPolicy,
        breaker: Breaker | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.tokens = TokenCounts()
        self._retries = retries
        self._breaker = breaker or breaker_of(endpoint.url)
        self._sleep = sleep
        self._http = endpoint.http_client()

    async def get(self, path: str) -> object:
        """The JSON that a route of OpenAI's protocol answers with."""
        return await self._retry(lambda: self._json("GET", self.endpoint.url + path, None))

    async def post(self, path: str, body: object) -> object:
        """The same for a body that is sent; None where the answer is not JSON."""
        return await self._retry(lambda: self._json("POST", self.endpoint.url + path, body))

    async def get_from_root(self, path: str) -> object:
        """The JSON of a route beside OpenAI's protocol."""
        return await self._retry(lambda: self._json("GET", self.endpoint.root + path, None))

    async def post_to_root(self, path: str, body: object) -> object:
        """The same for a body that is sent."""
        return await self._retry(lambda: self._json("POST", self.endpoint.root + path, body))

    async def chat(self, body: object) -> AsyncGenerator[Chunk]:
        """A chat completion as it is written; hangs up when it is closed, which also stops the server."""
        reply = await self._retry(lambda: self._begin(body))
        try:
            async with aclosing(reply.chunks()) as chunks:
                async for chunk in chunks:
                    yield chunk
        except CallError as failed:
            self._breaker.record(is_down=True)
            raise failed.error from failed
        finally:
            await reply.close()

    async def close(self) -> None:
        """Close idle connections."""
        await self._http.aclose()

    async def _json(self, method: str, url: str, body: object) -> object:
        response = await self._http.request(method, url, json=body)
        if not response.is_success:
            raise errors.response_error(self.endpoint, response)
        try:
            found: object = response.json()
        except ValueError:
            return None
        count_usage(found, self.tokens)
        return found

    async def _begin(self, body: object) -> "_Reply":
        request = self._http.build_request("POST", self.endpoint.url + "/chat/completions", json=body)
        response = await self._http.send(request, stream=True)
        return await _Reply.begin(self.endpoint, response, self.tokens)

    async def _retry(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that succeeds, or the error of the last."""
        failures = 0
        while True:
            try:
                return await self._attempt(attempt)
            except CallError as failed:
                failures += 1
                pause = self._retries.pause(failures, failed.retry_after, random.random())
                if not failed.is_temporary or pause is None:
                    raise failed.error from failed
            await self._sleep(pause)

    async def _attempt(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """One attempt, if the breaker lets it through."""
        if (seconds := self._breaker.refuses_for()) is not None:
            cause = (
                f"The generator at {self.endpoint.url} has failed several times in a row and is left alone "
                f"for {seconds:.0f} more seconds."
            )
            raise CallError(UnavailableError(cause, "Check whether it runs: domainqa doctor."))
        is_down: bool | None = None
        try:
            result = await attempt()
            is_down = False
        except httpx2.TransportError as error:
            is_down = True
            raise errors.connection_error(self.endpoint, error) from error
        except CallError as failed:
            is_down = failed.is_down
            raise
        finally:
            self._breaker.record(is_down)
        return result


class _Reply:
    """A chat completion whose first chunk has come, or which is known to be empty. Made by `begin`."""

    def __init__(self, endpoint: Endpoint, response: httpx2.Response, tokens: TokenCounts) -> None:
        self._endpoint = endpoint
        self._response = response
        self._tokens = tokens
        self._usage: object = None
        is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
        self._chunks = self._read_events() if is_stream else self._read_at_once()
        self._first: Chunk | None = None

    @classmethod
    async def begin(cls, endpoint: Endpoint, response: httpx2.Response, tokens: TokenCounts) -> Self:
        """Read up to the first chunk; CallError says why there is none. The response is closed then."""
        async with AsyncExitStack() as unless_begun:
            unless_begun.push_async_callback(response.aclose)
            if not response.is_success:
                await response.aread()
                raise errors.response_error(endpoint, response)
            reply = cls(endpoint, response, tokens)
            reply._first = await anext(reply._chunks, None)
            unless_begun.pop_all()
        return reply

    async def chunks(self) -> AsyncGenerator[Chunk]:
        """What the server writes; CallError if it breaks off."""
        if self._first:
            yield self._first
        try:
            async for chunk in self._chunks:
                yield chunk
        except httpx2.TransportError as error:
            raise errors.interruption(self._endpoint, error) from error

    async def close(self) -> None:
        await self._chunks.aclose()
        await self._response.aclose()

    async def _read_events(self) -> AsyncGenerator[Chunk]:
        """Server-sent events up to [DONE], which some servers leave out after the last chunk."""
        finish = None
        async for event in httpx2.EventSource(self._response):
            if event.data == "[DONE]":
                break
            chunk = self._parse(event.data, "delta")
            finish = chunk.finish or finish
            if chunk != Chunk():
                yield chunk
        else:
            if finish is None:
                raise errors.interruption(self._endpoint)
        count_usage(self._usage, self._tokens)

    async def _read_at_once(self) -> AsyncGenerator[Chunk]:
        """The whole completion, of a server that does not stream."""
        yield self._parse((await self._response.aread()).decode(errors="replace"), "message")
        count_usage(self._usage, self._tokens)

    def _parse(self, data: str, part: str) -> Chunk:
        try:
            found = json.loads(data)
            if found.get("error"):
                raise errors.failure_in_stream(self._endpoint, data)
            if found.get("usage"):
                self._usage = found
            if not found["choices"]:
                return Chunk()
            choice = found["choices"][0]
            said, ended = choice[part], choice.get("finish_reason")
            return Chunk(
                text=said.get("content") or said.get("refusal") or "",
                reasoning=said.get("reasoning_content") or said.get("reasoning") or "",
                finish=finish_of(ended),
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise errors.protocol_error(self._endpoint) from error


def count_usage(answer: object, tokens: TokenCounts) -> None:
    """Add the `usage` that an answer, or the last chunk of one, reports; many report none."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if isinstance(usage, dict):
        details = usage.get("prompt_tokens_details")
        tokens.add(
            prompt=_count(usage.get("prompt_tokens")),
            cached=_count(details.get("cached_tokens")) if isinstance(details, dict) else 0,
            completion=_count(usage.get("completion_tokens")),
        )


def _count(reported: object) -> int:
    return reported if isinstance(reported, int) and reported > 0 else 0
