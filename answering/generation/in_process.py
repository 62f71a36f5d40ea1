"""The generator that runs in this process: any causal model of transformers, adapters through PEFT."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from answering.generation.adapters import Adapter, Adapters
from answering.generation.lookup import Lookup
from answering.generation.model import load_model
from answering.generation.prefix_cache import PrefixCache, Tokens
from answering.generation.processor import Precision, best_precision
from answering.generation.protocol import Cancelled, Request, beginnings, check_request, never
from answering.generation.reading import Position, read_prompt, read_token
from answering.generation.text_stream import StopFilter, TokenText
from answering.generation.tokens import TokenCounts
from answering.generation.turns import Turns

# Tokens read at once with one that is sure: eight cost a fifth more time than one, on a processor.
_GUESSED = 7


@dataclass(frozen=True, slots=True)
class Limits:
    """What a generator may use.

    `context` counts tokens of prompt and answer together, at most what the model was made for;
    `prefix_bytes` is the memory for prompts read lately, `adapter_bytes` that for adapters used lately.
    """

    context: int = 8192
    prefix_bytes: int = 512 * 2**20
    adapter_bytes: int = 512 * 2**20


STANDARD = Limits()


class InProcessGenerator:
    """Generator and Scorer over a model folder.

    One request at a time runs on the model; the others wait in the order of asking. Prompts read lately are
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
        self._turns = Turns()
        self._random = torch.Generator().manual_seed(seed)

    def stream(self, request: Request, cancelled: Cancelled = never) -> Iterator[str]:
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
            with self._turns.take(cancelled) as mine:
                position = self._read(adapter, ids, cancelled) if mine else None
            if position is None:
                break
            scores.append(float(torch.log_softmax(position.logits, dim=-1)[token]))
        return scores

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See `Generator.count_tokens`."""
        return self._model.encoder.count(texts)

    @property
    def waiting(self) -> int:
        """Requests that wait behind the running one."""
        return self._turns.waiting

    def adapters(self) -> dict[str, str]:
        """Names of all known adapters, each with its version."""
        return self._adapters.versions()

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        """Make the PEFT folder known as `name`; its weights are loaded by the first request that wants them.

        A name given again takes the new version for all later requests; running ones finish on the old one.
        """
        self._adapters.add(name, folder, version)

    def remove_adapter(self, name: str) -> None:
        """Forget `name`; NotFoundError if it is not known."""
        self._adapters.remove(name)

    def _read(self, adapter: Adapter | None, ids: Tokens, cancelled: Cancelled) -> Position | None:
        self._adapters.activate(adapter)
        version = adapter.key if adapter else ""
        position = read_prompt(self._model, self._prefixes, version, ids, cancelled)
        if position is not None:
            self.tokens.add(prompt=len(ids), cached=position.cached)
        return position

    def _write(
        self, request: Request, adapter: Adapter | None, ids: Tokens, cancelled: Cancelled
    ) -> Iterator[str]:
        with self._turns.take(cancelled) as mine:
            position = self._read(adapter, ids, cancelled) if mine else None
            if position is not None:
                self._avoid_beginning(request, position)
                yield from self._pieces(request, position, ids, cancelled)

    def _pieces(
        self, request: Request, position: Position, ids: Tokens, cancelled: Cancelled
    ) -> Iterator[str]:
        text, stop = TokenText(self._model.encoder.decode), StopFilter(request.stop)
        for token in self._tokens(request, position, ids, cancelled):
            self.tokens.add(completion=1)
            if piece := stop.push(text.push(token)):
                yield piece
            if stop.stopped:
                return
        if piece := stop.push(text.rest()) + stop.rest():
            yield piece

    def _tokens(
        self, request: Request, position: Position, ids: Tokens, cancelled: Cancelled
    ) -> Iterator[int]:
        """Tokens until an end, the limit or `cancelled`.

        Without a temperature the likeliest one is written, and guesses of the next ones cost little.
        """
        left = min(request.max_new_tokens, self._model.encoder.context - position.cache.get_seq_length())
        most = 0 if request.temperature else _GUESSED
        lookup = Lookup(ids)
        tokens: Tokens = (self._choose(position.logits, request.temperature),)
        while True:
            for token in tokens:
                if cancelled() or token in self._model.ends:
                    return
                yield token
                lookup.add(token)
            left -= len(tokens)
            if not left or cancelled():
                return
            right = read_token(self._model, position, tokens[-1], lookup.guess(min(most, left - 1)))
            tokens = (*right, self._choose(position.logits, request.temperature))

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
