"""A prompt is read into keys and values, starting from what the prefix cache remembers."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from transformers.cache_utils import Cache

from answering.generation.kv_cache import continue_from, views
from answering.generation.model import LoadedModel
from answering.generation.prefix_cache import Prefix, PrefixCache, Tokens
from answering.generation.protocol import Cancelled

CHUNK = 256


@dataclass(slots=True)
class Position:
    """Where a request is in its text: everything read so far, and the logits [vocabulary] that follow.

    `cached` tokens of the prompt were remembered, not read.
    """

    cache: Cache
    logits: torch.Tensor
    cached: int = 0


def read_prompt(
    model: LoadedModel, prefixes: PrefixCache, version: str, ids: Tokens, cancelled: Cancelled
) -> Position | None:
    """Read `ids` and remember them under the adapter `version`; None if `cancelled` between two chunks.

    Reading in chunks lets a cancelled request stop, and bounds the memory of attention.
    """
    known, shared = prefixes.longest(version, ids)
    if known is not None and shared == len(ids) == len(known.ids):
        return Position(continue_from(known.layers, shared), known.logits, shared)
    cached = shared = min(shared, len(ids) - 1)
    cache = continue_from(known.layers if known else (), shared)
    for chunk in _chunks(ids[shared:]):
        if cancelled():
            return None
        logits = _advance(model, cache, chunk, keep=int(shared + len(chunk) == len(ids)))
        shared += len(chunk)
    prefixes.put(version, Prefix(ids, views(cache), logits[-1]))
    return Position(cache, logits[-1], cached)


def read_token(model: LoadedModel, position: Position, token: int, guessed: Tokens = ()) -> Tokens:
    """Move `position` one token further, and over those `guessed` ones that are the likeliest next.

    Returns them; the first that is not, and all behind it, are taken back.
    """
    logits = _advance(model, position.cache, (token, *guessed), keep=1 + len(guessed))
    likeliest = logits[:-1].argmax(dim=-1).tolist()
    right = next((place for place, one in enumerate(guessed) if one != likeliest[place]), len(guessed))
    position.cache.crop(right - len(guessed))
    position.logits = logits[right]
    return guessed[:right]


def _chunks(ids: Tokens) -> Iterator[Tokens]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


@torch.inference_mode()
def _advance(model: LoadedModel, cache: Cache, ids: Tokens, keep: int) -> torch.Tensor:
    """Read `ids`; the logits [keep, vocabulary] after the last ones: the vocabulary is dear."""
    inputs = torch.tensor([ids], device=model.device)
    if not keep:
        model.network.base_model(input_ids=inputs, past_key_values=cache, use_cache=True)
        return torch.empty(0)
    output = model.network(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=keep)
    logits: torch.Tensor = output.logits[0].float()
    return logits
