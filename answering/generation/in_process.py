"""The generator that runs in this process: any causal model of transformers, adapters through PEFT."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Condition

import torch

from answering.generation.adapters import Adapter, Adapters
from answering.generation.decoding import THINK, Lookup, StopFilter, TokenText
from answering.generation.kv_cache import Position, PrefixCache, Tokens, read_prompt, read_token
from answering.generation.model import Precision, best_precision, load_model
from answering.generation.protocol import (
    Cancelled,
    Pieces,
    Request,
    TokenCounts,
    beginnings,
    check_request,
    never,
)

# Tokens read at once with one that is sure: eight cost a fifth more time than one, on a processor.
_GUESSED = 7
# How soon a request that waits notices that it is cancelled.
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """What a generator may use.

    `context` counts tokens of prompt and answer together, and is never more than the model was made for;
    `prefix_bytes` is the memory for recent prompts, `adapter_bytes` that for recent adapters.
    """

    context: int = 8192
    prefix_bytes: int = 512 * 2**20
    adapter_bytes: int = 512 * 2**20


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

    One request at a time runs on the model; the others wait in the order of asking. Recent prompts are
    remembered, so a repeated context costs nothing to read again. `base` is the folder of the model.

    Args:
        model_folder: config, tokenizer and safetensors weights of a causal language model.
        device: "cpu" or a torch device such as "cuda".
        limits: of context and memory.
        precision: number formats; those that this machine is fastest with unless given.
        seed: of sampling with a temperature; the same requests in the same order give the same texts.
    """

    def __init__(
        self,
        model_folder: Path,
        device: str = "cpu",
        limits: Limits = STANDARD,
        precision: Precision | None = None,
        seed: int = 0,
    ) -> None:
        self.base = model_folder
        self.tokens = TokenCounts()
        self._model = load_model(model_folder, device, precision or best_precision(device), limits.context)
        self._prefixes = PrefixCache(limits.prefix_bytes)
        self._adapters = Adapters(self._model.network, limits.adapter_bytes, self._prefixes.forget)
        self._lock = FifoLock()
        self._random = torch.Generator().manual_seed(seed)

    @property
    def chats(self) -> bool:
        """See `Generator.chats`: instruct models come with a chat template."""
        return self._model.encoder.has_template

    @property
    def context(self) -> int:
        """See `Generator.context`."""
        return self._model.encoder.context

    def stream(self, request: Request, cancelled: Cancelled = never) -> Pieces:
        """See `Generator.stream`; what is wrong with the request is raised here, before the first piece."""
        check_request(request)
        adapter = self._adapters.find(request.adapter)
        ids = self._model.encoder.prompt(request.messages)
        return self._write(request, adapter, ids, cancelled)

    def logprobs(
        self, requests: Sequence[Request], continuation: str, cancelled: Cancelled = never
    ) -> list[float]:
        """See `Scorer.logprobs`."""
        scores: list[float] = []
        for request in requests:
            token = self._model.encoder.first_token(request.messages, continuation)
            adapter = self._adapters.find(request.adapter)
            ids = self._model.encoder.prompt(request.messages)
            with self._lock.hold(cancelled) as mine:
                position = self._read(adapter, ids, cancelled) if mine else None
            if position is None:
                break
            scores.append(float(torch.log_softmax(position.logits, dim=-1)[token]))
        return scores

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Generator.count_tokens`."""
        return self._model.encoder.count(texts)

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        """Make the PEFT folder known as `name`; its weights are loaded by the first request that wants them.

        A name given again takes the new version for all later requests; running ones finish on the old one.
        """
        self._adapters.add(name, folder, version)

    def _read(self, adapter: Adapter | None, ids: Tokens, cancelled: Cancelled) -> Position | None:
        self._adapters.activate(adapter)
        version = adapter.key if adapter else ""
        position = read_prompt(self._model, self._prefixes, version, ids, cancelled)
        if position is not None:
            self.tokens.add(prompt=len(ids), cached=position.cached)
        return position

    def _write(self, request: Request, adapter: Adapter | None, ids: Tokens, cancelled: Cancelled) -> Pieces:
        with self._lock.hold(cancelled) as mine:
            position = self._read(adapter, ids, cancelled) if mine else None
            if position is None:
                return None
            self._avoid_beginning(request, position)
            return (yield from self._pieces(request, position, ids, cancelled))

    def _pieces(self, request: Request, position: Position, ids: Tokens, cancelled: Cancelled) -> Pieces:
        text, stop = TokenText(self._model.encoder.decode), StopFilter(request.stop)
        limit = min(request.max_new_tokens, self._model.encoder.context - position.cache.get_seq_length())
        written = 0
        if request.reasoning and self._model.encoder.opens_thought(request.messages):
            yield THINK  # the prompt has it already
        for token in self._tokens(request.temperature, limit, position, ids, cancelled):
            written += 1
            self.tokens.add(completion=1)
            if piece := stop.push(text.push(token)):
                yield piece
            if stop.stopped:
                return "stop"
        if piece := stop.push(text.rest()) + stop.rest():
            yield piece
        return "length" if written == limit else "stop"

    def _tokens(
        self, temperature: float, limit: int, position: Position, ids: Tokens, cancelled: Cancelled
    ) -> Iterator[int]:
        """Tokens until an end, the limit or `cancelled`.

        Without a temperature the likeliest one is written, and guesses of the next ones cost little.
        """
        most = 0 if temperature else _GUESSED
        lookup = Lookup(ids)
        tokens: Tokens = (self._choose(position.logits, temperature),)
        while True:
            for token in tokens:
                if cancelled() or token in self._model.ends:
                    return
                yield token
                lookup.add(token)
            limit -= len(tokens)
            if not limit or cancelled():
                return
            right = read_token(self._model, position, tokens[-1], lookup.guess(min(most, limit - 1)))
            tokens = (*right, self._choose(position.logits, temperature))

    def _avoid_beginning(self, request: Request, position: Position) -> None:
        if request.unlike:
            first = self._model.encoder.first_token
            tokens = [first(request.messages, way) for way in beginnings(request.unlike)]
            position.logits = position.logits.clone()  # the prefix cache holds the ones before
            position.logits[tokens] = float("-inf")

    def _choose(self, logits: torch.Tensor, temperature: float) -> int:
        if temperature == 0:
            return int(logits.argmax())
        chances = torch.softmax(logits.cpu() / temperature, dim=-1)
        return int(torch.multinomial(chances, 1, generator=self._random))
