"""The generator that is another server: chat completions, streamed; the adapter is the `model` name."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from answering.generation.protocol import Cancelled, Request, beginnings, check_request, never
from answering.generation.remote.adapters import RemoteAdapters, can_load, models_of
from answering.generation.remote.background import each, wait_for
from answering.generation.remote.counting import estimated_tokens, token_ids
from answering.generation.remote.scoring import LISTED, begins_with, first_tokens
from answering.generation.remote.server import Server
from answering.generation.text_stream import StopFilter
from knowledge_base.errors import InputError, NotFoundError, UnavailableError

T = TypeVar("T")

_NEVER = -100
# More are refused by servers that keep to OpenAI's protocol; all of them are looked for here anyway.
_STOPS = 4
_REMEMBERED_IDS = 64


class RemoteGenerator:
    """Generator and AdapterHost over a server.

    Args:
        server: where to ask.
        tokenizes: whether the server tells tokens; else their number is estimated, and `Request.unlike` is
            not heeded.
    """

    base: Path | None = None  # the server has the base model's folder, this machine need not

    def __init__(self, server: Server, tokenizes: bool) -> None:
        self.tokens = server.tokens
        self._server = server
        self._adapters = RemoteAdapters(server)
        self._tokenizes = tokenizes
        self._first_ids = lru_cache(_REMEMBERED_IDS)(self._asked_first_ids)

    def stream(self, request: Request, cancelled: Cancelled = never) -> Iterator[str]:
        """See `Generator.stream`; UnavailableError if the server does not answer or breaks off."""
        _check(request)
        return self._again_if_lost(request, partial(self._write, request, cancelled))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Generator.count_tokens`; estimated, rather too high, where the server does not count."""
        if not self._tokenizes:
            return [estimated_tokens(text) for text in texts]
        return [len(ids) for ids in wait_for(self._all_ids(texts))]

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        """See `AdapterHost.add_adapter`, and `RemoteAdapters.add` for what can go wrong."""
        self._adapters.add(name, folder, version)

    def models(self) -> list[str]:
        """Names that the server lists at this moment, base models and adapters alike."""
        return wait_for(models_of(self._server))

    def loads_adapters(self) -> bool:
        """Whether the server loads adapters that it does not list."""
        return wait_for(can_load(self._server))

    def describe(self) -> str:
        """What the server can do, for `doctor`."""
        tokens = "counts tokens" if self._tokenizes else "tokens are estimated"
        return f"{self._server.endpoint.url} serves {self._server.endpoint.model}; {tokens}"

    def _again_if_lost(self, request: Request, write: Callable[[], Iterator[T]]) -> Iterator[T]:
        """What `write` gives; once more from the start if the server has lost the adapter meanwhile.

        That is only ever known before the first piece.
        """
        try:
            yield from write()
        except NotFoundError:
            if request.adapter is None:
                raise
            self._adapters.lost(request.adapter)
            yield from write()

    def _write(self, request: Request, cancelled: Cancelled) -> Iterator[str]:
        if cancelled():
            return
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        stop = StopFilter(request.stop)
        for text in each(self._server.pieces(body), cancelled):
            if piece := stop.push(text):
                yield piece
            if stop.stopped:
                return
        if not cancelled() and (piece := stop.rest()):
            yield piece

    def _body(self, request: Request) -> dict[str, object]:
        """A request as OpenAI's protocol words it; the server knows the adapter then."""
        if request.adapter is not None:
            self._adapters.ready(request.adapter)
        body: dict[str, object] = {
            "model": request.adapter or self._server.endpoint.model,
            "messages": [{"role": one.role, "content": one.content} for one in request.messages],
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
        }
        if stops := [stop for stop in request.stop if stop]:
            body["stop"] = stops[:_STOPS]
        if request.unlike and self._tokenizes:
            body["logit_bias"] = {str(token): _NEVER for token in self._first_ids(request.unlike)}
        return body

    def _asked_first_ids(self, text: str) -> frozenset[int]:
        """The tokens that a reply of `text` may begin with."""
        return frozenset(ids[0] for ids in wait_for(self._all_ids(beginnings(text))) if ids)

    async def _all_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return list(await asyncio.gather(*(token_ids(self._server, text) for text in texts)))


class ScoringGenerator(RemoteGenerator):
    """A remote generator that is a Scorer too: its server gives log-probabilities of first tokens."""

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        """See `Scorer.logprobs`, and `scoring.begins_with` for how exact this is."""
        if not continuation:
            raise InputError("The continuation to score is empty.", "Give a text of at least one token.")
        for request in requests:
            _check(request)
        asked = [
            self._again_if_lost(request, partial(self._score, request, continuation, cancelled))
            for request in requests
        ]
        scores: list[float] = []
        with suppress(CancelledError):
            for once in asked:
                scores.extend(once)
        return scores

    def describe(self) -> str:
        """See `RemoteGenerator.describe`."""
        return f"{super().describe()}; tells how sure it is"

    def _score(self, request: Request, continuation: str, cancelled: Cancelled) -> Iterator[float]:
        if cancelled():
            return
        listed = first_tokens(wait_for(first_token(self._server, self._body(request)), cancelled))
        if not listed:
            raise UnavailableError(
                f"The generator at {self._server.endpoint.url} gives no log-probabilities any more.",
                "Start domainqa again, so that it asks anew what the server can do.",
            )
        yield begins_with(continuation, listed)


async def first_token(server: Server, body: Mapping[str, object]) -> object:
    """The completion of one token with the likeliest ones that it was chosen from."""
    asked = {name: value for name, value in body.items() if name not in ("logit_bias", "stop")}
    changed = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": LISTED}
    return await server.post("/chat/completions", asked | changed)


def _check(request: Request) -> None:
    check_request(request)
    if not any(message.content.strip() for message in request.messages):
        raise InputError("The prompt is empty.", "Give at least one message with text.")
