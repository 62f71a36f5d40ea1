"""Calls to an OpenAI-compatible server: patient before an answer begins, never after."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import cache
from typing import TypeVar

import httpx2

from answering.generation.remote import failures
from answering.generation.remote.breaker import Breaker
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.failures import Failed
from answering.generation.remote.patience import Patience
from answering.generation.remote.reply import Reply
from answering.generation.remote.usage import note_usage
from answering.generation.tokens import TokenCounts
from knowledge_base.errors import UnavailableError

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


@cache
def breaker_of(url: str) -> Breaker:
    """The one breaker of a server in this process: who could not open it does not ask again at once."""
    return Breaker()


class Server:
    """One server, called from the background loop. Every call raises errors of the tree.

    `tokens` counts those that it says to have read and written.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        patience: Patience,
        breaker: Breaker | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.tokens = TokenCounts()
        self._patience = patience
        self._breaker = breaker or breaker_of(endpoint.url)
        self._sleep = sleep
        self._client = endpoint.client()

    async def get(self, path: str) -> object:
        """The JSON that a route of OpenAI's protocol answers with."""
        return await self._patiently(lambda: self._json("GET", self.endpoint.url + path, None))

    async def post(self, path: str, body: object) -> object:
        """The same for a body that is sent; None where the answer is not JSON."""
        return await self._patiently(lambda: self._json("POST", self.endpoint.url + path, body))

    async def post_to_root(self, path: str, body: object) -> object:
        """The same for a route beside OpenAI's protocol."""
        return await self._patiently(lambda: self._json("POST", self.endpoint.root + path, body))

    async def pieces(self, body: object) -> AsyncGenerator[str]:
        """The text of a chat completion as it is written."""
        reply = await self._patiently(lambda: self._begin(body))
        try:
            async with aclosing(reply.texts()) as texts:
                async for text in texts:
                    yield text
        except Failed as failed:
            self._breaker.failed()
            raise failed.error from failed
        finally:
            await reply.close()

    async def close(self) -> None:
        """Close idle connections."""
        await self._client.aclose()

    async def _json(self, method: str, url: str, body: object) -> object:
        response = await self._client.request(method, url, json=body)
        if not response.is_success:
            raise failures.of_response(self.endpoint, response)
        try:
            found: object = response.json()
        except ValueError:
            return None
        note_usage(found, self.tokens)
        return found

    async def _begin(self, body: object) -> Reply:
        request = self._client.build_request("POST", self.endpoint.url + "/chat/completions", json=body)
        response = await self._client.send(request, stream=True)
        return await Reply.begin(self.endpoint, response, self.tokens)

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that succeeds, or the error of the last."""
        failed = 0
        while True:
            try:
                return await self._guarded(attempt)
            except Failed as failure:
                failed += 1
                pause = self._patience.pause(failed, failure.wait, random.random())
                if not failure.passing or pause is None:
                    raise failure.error from failure
            await self._sleep(pause)

    async def _guarded(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """One attempt, if the breaker lets it through."""
        if (seconds := self._breaker.refuses_for()) is not None:
            raise Failed(self._left_alone(seconds))
        try:
            result = await attempt()
        except httpx2.TransportError as error:
            self._breaker.failed()
            raise failures.of_connection(self.endpoint, error) from error
        except Failed as failure:
            self._judge(failure)
            raise
        except BaseException:
            self._breaker.left()
            raise
        self._breaker.succeeded()
        return result

    def _judge(self, failure: Failed) -> None:
        if failure.away:
            self._breaker.failed()
        else:
            self._breaker.succeeded()

    def _left_alone(self, seconds: float) -> UnavailableError:
        return UnavailableError(
            f"The generator at {self.endpoint.url} has failed several times in a row and is left alone "
            f"for {seconds:.0f} more seconds.",
            "See whether it runs: domainqa doctor.",
        )
