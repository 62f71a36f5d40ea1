"""A loaded model with its recent prompts and adapters: token ids in, token ids out.

Importing this takes seconds (torch, transformers, PEFT); `in_process` does so when a model is first needed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from answering.generation.adapters import LoadedAdapters
from answering.generation.decoding import Lookup
from answering.generation.encoding import Encoder
from answering.generation.known_adapters import Adapter, KnownAdapters
from answering.generation.kv_cache import Position, PrefixCache, Tokens, read_prompt, read_token
from answering.generation.model import Precision, best_precision, load_model
from answering.generation.protocol import Cancelled, Limits, Request, TokenCounts, beginnings
from retrieval.models import torch_device
from retrieval.prompt import Message

# Tokens read at once with one that is sure: eight cost a fifth more time than one, on a processor.
_GUESSED = 7


class Engine:
    """One model in memory. Used by one request at a time."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is made of, once
        self,
        folder: Path,
        encoder: Encoder,
        device: str,
        precision: Precision | None,
        limits: Limits,
        known: KnownAdapters,
        seed: int,
    ) -> None:
        device = torch_device(device)
        self.model = load_model(folder, device, precision or best_precision(device), encoder)
        self.encoder = encoder
        self.prefixes = PrefixCache(limits.prefix_bytes)
        self.adapters = LoadedAdapters(self.model.network, known, limits.adapter_bytes, self.prefixes.forget)
        self._random = torch.Generator().manual_seed(seed)

    def read(
        self, adapter: Adapter | None, ids: Tokens, counts: TokenCounts, cancelled: Cancelled
    ) -> Position | None:
        """Read a prompt with an adapter, or with none; None if `cancelled`."""
        self.adapters.activate(adapter)
        version = adapter.key if adapter else ""
        position = read_prompt(self.model, self.prefixes, version, ids, cancelled)
        if position is not None:
            counts.add(prompt=len(ids), cached=position.cached)
        return position

    def tokens(
        self, position: Position, ids: Tokens, limit: int, request: Request, cancelled: Cancelled
    ) -> Iterator[int]:
        """Tokens after the prompt `ids`, until an end, the limit or `cancelled`.

        Without a temperature the likeliest one is written, and guesses of the next ones cost little.
        """
        most = 0 if request.temperature else _GUESSED
        random = self._random if request.seed is None else torch.Generator().manual_seed(request.seed)
        lookup = Lookup(ids)
        tokens: Tokens = (_choose(position.logits, request, random),)
        while True:
            for token in tokens:
                if cancelled() or token in self.model.ends:
                    return
                yield token
                lookup.add(token)
            limit -= len(tokens)
            if not limit or cancelled():
                return
            right = read_token(self.model, position, tokens[-1], lookup.guess(min(most, limit - 1)))
            tokens = (*right, _choose(position.logits, request, random))

    def avoid(self, position: Position, messages: Sequence[Message], text: str) -> None:
        """Let the reply not begin with the first word of `text`."""
        tokens = [self.encoder.first_token(messages, way) for way in beginnings(text)]
        position.logits = position.logits.clone()  # the prefix cache holds the ones before
        position.logits[tokens] = float("-inf")


def _choose(logits: torch.Tensor, request: Request, random: torch.Generator) -> int:
    """The next token: the likeliest, or one drawn (nucleus sampling: Holtzman et al. 2019, section 3.1)."""
    if request.temperature == 0:
        return int(logits.argmax())
    chances = torch.softmax(logits.cpu() / request.temperature, dim=-1)
    if request.top_p < 1:
        ordered, tokens = chances.sort(descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= request.top_p
        outside[0] = False  # the likeliest always stays
        chances[tokens[outside]] = 0
    return int(torch.multinomial(chances, 1, generator=random))


def logprob(position: Position, token: int) -> float:
    """The log-probability that `token` comes next."""
    return float(torch.log_softmax(position.logits, dim=-1)[token])
