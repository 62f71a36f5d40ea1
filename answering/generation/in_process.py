"""The generator that runs in this process: any causal model of transformers, adapters through PEFT."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING

from answering.generation.decoding import THINK, StopFilter, TokenText
from answering.generation.encoding import Encoder, has_chat_template
from answering.generation.known_adapters import Adapter, KnownAdapters
from answering.generation.light_import import light_transformers
from answering.generation.protocol import (
    Cancelled,
    Limits,
    Pieces,
    Request,
    TokenCounts,
    check_request,
    never,
)
from knowledge_base.errors import ModelError
from knowledge_base.once import Once

if TYPE_CHECKING:
    from answering.generation.engine import Engine
    from answering.generation.kv_cache import Position, Tokens
    from answering.generation.model import Precision

# How soon a request that waits notices that it is cancelled.
_POLL_SECONDS = 0.05
STANDARD = Limits()


class FifoLock:
    """A lock that is granted in the order of asking, and whose holder may change threads.

    A page hands an answer's iterator from thread to thread, so the lock belongs to a ticket and not, as with
    `threading.Lock` and its kin, to whichever thread came first.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._queue: deque[object] = deque()

    @contextmanager
    def hold(self, cancelled: Cancelled = never) -> Iterator[bool]:
        """Wait for the lock and hold it inside the block; False if `cancelled` came first."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
        try:
            yield self._wait(ticket, cancelled)
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def _wait(self, ticket: object, cancelled: Cancelled) -> bool:
        seconds = None if cancelled is never else _POLL_SECONDS
        while not cancelled():
            with self._changed:
                if self._changed.wait_for(lambda: self._queue[0] is ticket, seconds):
                    return True
        return False


class InProcessGenerator:
    """Generator and Scorer over a model folder.

    The model is loaded by the first request that needs it. One request at a time runs on it; the others wait
    in the order of asking. Recent prompts are remembered, so a repeated context costs nothing to read again.
    `base` is the folder of the model.

    Args:
        model_folder: config, tokenizer and safetensors weights of a causal language model.
        device: "cpu" or a torch device such as "cuda".
        limits: of context and memory.
        precision: number formats; those that this machine is fastest with unless given.
        seed: of sampling with a temperature, for requests without one of their own; the same requests in the
            same order give the same texts.

    Raises:
        ModelError: the folder holds no model; if it holds a damaged one, the first request raises it.
    """

    def __init__(
        self,
        model_folder: Path,
        device: str = "cpu",
        limits: Limits = STANDARD,
        precision: Precision | None = None,
        seed: int = 0,
    ) -> None:
        _check_folder(model_folder)
        self.base = model_folder
        self.tokens = TokenCounts()
        self._known = KnownAdapters()
        self._lock = FifoLock()

        def load_encoder() -> Encoder:
            with light_transformers():
                from answering.generation.model import load_encoder  # it takes seconds

            return load_encoder(model_folder, limits.context)

        def load() -> Engine:
            encoder = self.encoder()
            with light_transformers():
                from answering.generation.engine import Engine

                return Engine(model_folder, encoder, device, precision, limits, self._known, seed)

        self.encoder = Once(load_encoder)
        self.engine = Once(load)

    @cached_property
    def chats(self) -> bool:
        """See `Generator.chats`: instruct models come with a chat template."""
        return has_chat_template(self.base)

    @property
    def context(self) -> int:
        """See `Generator.context`."""
        return self.encoder().context

    def stream(self, request: Request, cancelled: Cancelled = never) -> Pieces:
        """See `Generator.stream`; what is wrong with the request is raised here, before the first piece."""
        check_request(request)
        adapter = self._known.find(request.adapter)
        ids = self.encoder().prompt(request.messages)
        self.engine()  # what is wrong with the model is raised here, too
        return self._write(request, adapter, ids, cancelled)

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        """See `Scorer.logprobs`."""
        from answering.generation.engine import logprob

        engine = self.engine()
        scores: list[float] = []
        for request in requests:
            token = self.encoder().first_token(request.messages, continuation)
            adapter = self._known.find(request.adapter)
            ids = self.encoder().prompt(request.messages)
            with self._lock.hold(cancelled) as mine:
                position = engine.read(adapter, ids, self.tokens, cancelled) if mine else None
            if position is None:
                break
            scores.append(logprob(position, token))
        return scores

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Generator.count_tokens`."""
        return self.encoder().count(texts)

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        """Make the PEFT folder known as `name`; its weights are loaded by the first request that wants them.

        A name given again takes the new version for all later requests; running ones finish on the old one.
        """
        self._known.add(name, folder, version)

    def held_bytes(self) -> Mapping[str, int]:
        """See `Caching.held_bytes`."""
        engine = self.engine.made
        if engine is None:
            return {"prompts": 0, "adapters": 0}
        return {"prompts": engine.prefixes.size, "adapters": engine.adapters.size}

    def _write(self, request: Request, adapter: Adapter | None, ids: Tokens, cancelled: Cancelled) -> Pieces:
        with self._lock.hold(cancelled) as mine:
            engine = self.engine()
            position = engine.read(adapter, ids, self.tokens, cancelled) if mine else None
            if position is None:
                return None
            if request.unlike:
                engine.avoid(position, request.messages, request.unlike)
            return (yield from self._pieces(request, position, ids, cancelled))

    def _pieces(self, request: Request, position: Position, ids: Tokens, cancelled: Cancelled) -> Pieces:
        engine = self.engine()
        text, stop = TokenText(self.encoder().decode), StopFilter(request.stop)
        limit = min(request.max_new_tokens, self.encoder().context - position.cache.get_seq_length())
        written = 0
        if request.reasoning and self.encoder().opens_thought(request.messages):
            yield THINK  # the prompt has it already
        for token in engine.tokens(position, ids, limit, request, cancelled):
            written += 1
            self.tokens.add(completion=1)
            if piece := stop.push(text.push(token)):
                yield piece
            if stop.stopped:
                return "stop"
        if piece := stop.push(text.rest()) + stop.rest():
            yield piece
        return "length" if written == limit else "stop"


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} contains no model: config.json is missing.",
            "Name a folder in Hugging Face format, or run `domainqa models prepare`.",
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The model folder {folder} holds no weights (*.safetensors).",
            "Copy the folder again, or convert older .bin weights to safetensors.",
        )
