"""One reply of a server that streams it: chat completion chunks as server-sent events."""

import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Self

import httpx2

from answering.generation.remote import failures
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.failures import Failed
from answering.generation.remote.usage import note_usage
from answering.generation.tokens import TokenCounts
from knowledge_base.errors import UnavailableError

_DONE = "[DONE]"
_EVENTS = "text/event-stream"


class Reply:
    """A reply whose first text has come, or which is known to be empty. Made by `begin`; close it.

    What the server says to have read and written is added to `tokens`.
    """

    def __init__(self, endpoint: Endpoint, response: httpx2.Response, tokens: TokenCounts) -> None:
        self._endpoint = endpoint
        self._tokens = tokens
        self._response = response
        self._texts = self._read()
        self._first = ""

    @classmethod
    async def begin(cls, endpoint: Endpoint, response: httpx2.Response, tokens: TokenCounts) -> Self:
        """Read up to the first text; Failed says why there is none. The response is closed then."""
        async with AsyncExitStack() as unless_begun:
            unless_begun.push_async_callback(response.aclose)
            if not response.is_success:
                await response.aread()
                raise failures.of_response(endpoint, response)
            if not response.headers.get("content-type", "").startswith(_EVENTS):
                raise failures.of_sense(endpoint)
            reply = cls(endpoint, response, tokens)
            reply._first = await anext(reply._texts, "")
            unless_begun.pop_all()
        return reply

    async def texts(self) -> AsyncGenerator[str]:
        """The pieces of text, none of them empty; Failed if the server breaks off."""
        if self._first:
            yield self._first
        try:
            async for text in self._texts:
                yield text
        except httpx2.TransportError as error:
            raise failures.of_interruption(self._endpoint, error) from error

    async def close(self) -> None:
        """Hang up, which also stops a server that is still writing."""
        await self._texts.aclose()
        await self._response.aclose()

    async def _read(self) -> AsyncGenerator[str]:
        finished = False
        async for event in httpx2.EventSource(self._response):
            if event.data == _DONE:
                return
            text, ends = self._parsed(event.data)
            finished = finished or ends
            if text:
                yield text
        if not finished:
            raise failures.of_interruption(self._endpoint)

    def _parsed(self, data: str) -> tuple[str, bool]:
        """The text of a chunk, and whether it is said to be the last one."""
        try:
            chunk = json.loads(data)
            if "error" in chunk:
                raise self._trouble(data)
            note_usage(chunk, self._tokens)
            choices = chunk["choices"]
            if not choices:
                return "", False
            return choices[0]["delta"].get("content") or "", bool(choices[0].get("finish_reason"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise failures.of_sense(self._endpoint) from error

    def _trouble(self, data: str) -> Failed:
        said = self._endpoint.quoted(failures.message_in(data))
        return Failed(
            UnavailableError(
                f"The generator at {self._endpoint.url} failed while it was answering: {said}.",
                "Look at what the server logs, and ask again.",
            ),
            away=True,
        )
