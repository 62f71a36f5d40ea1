"""The generator that is another server: chat completions, streamed; the adapter is the `model` name."""

import asyncio
import json
import math
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from answering.generation.decoding import write
from answering.generation.gemma import GEMMA
from answering.generation.portal import each, wait_for
from answering.generation.protocol import (
    Cancelled,
    Pieces,
    Request,
    beginnings,
    check_request,
    estimate_tokens,
    never,
)
from answering.generation.remote.adapters import RemoteAdapters, can_load, models_of
from answering.generation.remote.client import Client, RetryPolicy
from answering.generation.remote.endpoint import Endpoint
from knowledge_base.errors import DomainqaError, InputError, NotFoundError, UnavailableError

T = TypeVar("T")
R = TypeVar("R")

# The least bias that OpenAI's protocol knows: the token is never written.
_NEVER_WRITTEN = -100
# As many as OpenAI's protocol allows: of stop texts, all of which are looked for here anyway, and of tokens.
_STOPS, _LISTED = 4, 20
_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a server and its model can do.

    Without `tokenizes` the number of tokens is estimated, and `Request.unlike` has no effect; `chats` and
    `context` are those of `Generator`.
    """

    tokenizes: bool
    chats: bool
    context: int | None


def open_remote(endpoint: Endpoint, retries: RetryPolicy | None = None) -> "RemoteGenerator":
    """The generator at a server that answers and serves the model; a Scorer if it gives log-probabilities.

    Raises UnavailableError if there is no answer, NotFoundError with the names that are served if the model
    is none of them.
    """
    return wait_for(_open(endpoint, retries or RetryPolicy()))


async def _open(endpoint: Endpoint, retries: RetryPolicy) -> "RemoteGenerator":
    probe = Client(endpoint, RetryPolicy(attempts=1))  # whoever opens wants to know at once
    try:
        served = await models_of(probe)
        # Ollama lists the tag "latest", which may be left out. A server that lists nothing is believed.
        if served and not {endpoint.model, f"{endpoint.model}:latest"} & served.keys():
            shown = ", ".join(sorted(served)[:_NAMES_SHOWN]) + (", …" if len(served) > _NAMES_SHOWN else "")
            raise NotFoundError(
                f'The generator at {endpoint.url} serves no model named "{endpoint.model}". It serves: '
                f"{shown}.",
                "Set generator to one of these names in the settings.",
            )
        kind = ScoringGenerator if await _scores(probe) else RemoteGenerator
        listed = served.get(endpoint.model, {})
        found = Abilities(
            await _tokenizes(probe), not _is_plain(endpoint.model, listed), await _window(probe, listed)
        )
        return kind(Client(endpoint, retries), found)
    finally:
        await probe.close()


async def _tokenizes(client: Client) -> bool:
    """Whether the server tokenizes: some have no such route, and gateways word that in many ways."""
    try:
        return bool(await _token_ids(client, "a"))
    except DomainqaError:
        return False


async def _scores(client: Client) -> bool:
    """Whether the server lists likely first tokens; some ignore the wish, some refuse it."""
    body = {"model": client.endpoint.model, "messages": [{"role": "user", "content": "a"}]}
    try:
        return bool(first_tokens(await _first_token(client, body)))
    except InputError:
        return False


class RemoteGenerator:
    """Generator and AdapterHost over a server.

    Args:
        client: where to ask.
        found: what the server was found to do.
    """

    base: Path | None = None  # the server has the base model's folder, this machine need not

    def __init__(self, client: Client, found: Abilities) -> None:
        self.tokens = client.tokens
        self.chats = found.chats
        self.context = found.context
        self._client = client
        self._adapters = RemoteAdapters(client)
        self._tokenizes = found.tokenizes
        self._first_ids = lru_cache(64)(self._ask_first_ids)

    def stream(self, request: Request, cancelled: Cancelled = never) -> Pieces:
        """See `Generator.stream`; UnavailableError if the server does not answer or breaks off."""
        _check(request)
        return self._retry_if_lost(request, partial(self._write, request, cancelled))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Generator.count_tokens`; estimated, rather too high, where the server does not count."""
        if not self._tokenizes:
            return [estimate_tokens(text) for text in texts]
        return [len(ids) for ids in wait_for(self._all_ids(texts))]

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        """See `AdapterHost.add_adapter`, and `RemoteAdapters.add` for the errors."""
        self._adapters.add(name, folder, version)

    def models(self) -> list[str]:
        """Names that the server lists at this moment, base models and adapters alike."""
        return list(wait_for(models_of(self._client)))

    def loads_adapters(self) -> bool:
        """Whether the server loads adapters that it does not list."""
        return wait_for(can_load(self._client))

    def describe(self) -> str:
        """What the server can do, for `doctor`."""
        tokens = "counts tokens" if self._tokenizes else "tokens are estimated"
        return f"{self._client.endpoint.url} serves {self._client.endpoint.model}; {tokens}"

    def _retry_if_lost(
        self, request: Request, call: Callable[[], Generator[T, None, R]]
    ) -> Generator[T, None, R]:
        """What `call` gives; once more from the start if the server has lost the adapter meanwhile.

        That is only ever known before the first piece.
        """
        try:
            return (yield from call())
        except NotFoundError:
            if request.adapter is None:
                raise
            self._adapters.lost(request.adapter)
            return (yield from call())

    def _write(self, request: Request, cancelled: Cancelled) -> Pieces:
        if cancelled():
            return None
        try:
            body = self._body(request, cancelled)
        except CancelledError:
            return None
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        return (yield from write(each(self._client.chat(body), cancelled), request, cancelled))

    def _body(self, request: Request, cancelled: Cancelled) -> dict[str, object]:
        """A request in the words of OpenAI's protocol, once the server knows the adapter."""
        if request.adapter is not None:
            self._adapters.prepare(request.adapter, cancelled)
        body: dict[str, object] = {
            "model": request.adapter or self._client.endpoint.model,
            "messages": [{"role": one.role, "content": one.content} for one in request.messages],
            "max_tokens": request.max_new_tokens,
            "temperature": request.temperature,
        }
        if request.top_p < 1:
            body["top_p"] = request.top_p
        if request.seed is not None:
            body["seed"] = request.seed
        if request.schema:
            wanted = {"name": "reply", "schema": json.loads(request.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": wanted}
        if stops := [stop for stop in request.stop if stop]:
            body["stop"] = stops[:_STOPS]
        if request.unlike and self._tokenizes:
            body["logit_bias"] = {str(token): _NEVER_WRITTEN for token in self._first_ids(request.unlike)}
        return body

    def _ask_first_ids(self, text: str) -> frozenset[int]:
        """The tokens that a reply of `text` may begin with."""
        return frozenset(ids[0] for ids in wait_for(self._all_ids(beginnings(text))) if ids)

    async def _all_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return list(await asyncio.gather(*(_token_ids(self._client, text) for text in texts)))


class ScoringGenerator(RemoteGenerator):
    """A remote generator that is a Scorer too: its server gives log-probabilities of first tokens."""

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        """See `Scorer.logprobs`, and `begins_with` for how exact this is."""
        if not continuation:
            raise InputError("The continuation to score is empty.", "Give a text of at least one token.")
        for request in requests:
            _check(request)
        scores: list[float] = []
        with suppress(CancelledError):
            for request in requests:
                score = partial(self._score, request, continuation, cancelled)
                scores.extend(self._retry_if_lost(request, score))
        return scores

    def describe(self) -> str:
        """See `RemoteGenerator.describe`."""
        return f"{super().describe()}; gives log-probabilities"

    def _score(
        self, request: Request, continuation: str, cancelled: Cancelled
    ) -> Generator[float, None, None]:
        if cancelled():
            return
        body = self._body(request, cancelled)
        listed = first_tokens(wait_for(_first_token(self._client, body), cancelled))
        if not listed:
            raise UnavailableError(
                f"The generator at {self._client.endpoint.url} gives no log-probabilities any more.",
                "Restart domainqa, so that it checks again what the server can do.",
            )
        yield begins_with(continuation, listed)


def _is_plain(model: str, listed: Mapping[str, object]) -> bool:
    """Whether a server has the packaged base model, which was not tuned to hold a conversation."""
    names = (model, str(listed.get("root") or ""))
    return any(GEMMA.name in name.lower() and "-it" not in name.lower() for name in names)


async def _window(client: Client, listed: Mapping[str, object]) -> int | None:
    """The context that vLLM lists with a model, or that llama.cpp was started with."""
    found = listed.get("max_model_len")
    if found is None:
        try:
            found = (await client.get_from_root("/props"))["default_generation_settings"]["n_ctx"]  # type: ignore[index]
        except (DomainqaError, LookupError, TypeError):
            return None
    return found if isinstance(found, int) and found > 0 else None


def _check(request: Request) -> None:
    check_request(request)
    if not any(message.content.strip() for message in request.messages):
        raise InputError("The prompt is empty.", "Give at least one message with text.")


async def _first_token(client: Client, body: Mapping[str, object]) -> object:
    """The completion of one token with the likeliest ones that it was chosen from."""
    asked = {name: value for name, value in body.items() if name not in ("logit_bias", "stop")}
    changed = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": _LISTED}
    return await client.post("/chat/completions", asked | changed)


def first_tokens(completion: object) -> list[tuple[str, float]]:
    """The first tokens that a completion might have had, with log-probabilities; none if it lists none."""
    try:
        first = completion["choices"][0]["logprobs"]["content"][0]  # type: ignore[index]
        return [(str(entry["token"]), float(entry["logprob"])) for entry in first["top_logprobs"]]
    except (LookupError, TypeError, ValueError):
        return []


def begins_with(continuation: str, listed: Sequence[tuple[str, float]]) -> float:
    """Log-probability that a reply begins with the first token of `continuation`.

    That token is the longest listed one that the continuation begins with and that does not end inside a word
    of Latin letters ("No" is not the beginning of "Not"); a space before it makes no difference. If none is
    listed, the result is the highest value that it can have: no more than the least likely of those listed,
    and than what these leave.
    """
    text = continuation.strip()
    fitting = [(token.strip(), logprob) for token, logprob in listed if _begins(text, token.strip())]
    if not fitting:
        least = min((logprob for _, logprob in listed), default=0.0)
        left = 1.0 - sum(math.exp(logprob) for _, logprob in listed)
        return min(least, math.log(left)) if left > 0 else least
    longest = max(len(token) for token, _ in fitting)
    return min(math.log(sum(math.exp(found) for token, found in fitting if len(token) == longest)), 0.0)


def _begins(text: str, token: str) -> bool:
    cut = text[len(token) - 1 : len(token) + 1] if token else ""
    return bool(token) and text.startswith(token) and not re.fullmatch("[A-Za-z]{2}", cut)


async def _token_ids(client: Client, text: str) -> list[int]:
    """Ids of the model's own tokens, without special ones; NotFoundError if the server does not tokenize.

    vLLM reads "prompt" of the body, llama.cpp "content".
    """
    if not text:
        return []
    body = {
        "model": client.endpoint.model,
        "prompt": text,
        "add_special_tokens": False,
        "content": text,
        "add_special": False,
    }
    found = await client.post_to_root("/tokenize", body)
    tokens = found.get("tokens") if isinstance(found, dict) else None
    if not isinstance(tokens, list):
        raise UnavailableError(
            f"The generator at {client.endpoint.url} answers /tokenize with something other than tokens.",
            "Check which server it is; vLLM and llama.cpp count tokens.",
        )
    return [int(token) for token in tokens]
