"""A prompt is read into keys and values, starting from what the prefix cache remembers."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from transformers.cache_utils import Cache

from app.generation.kv_cache import continue_from, views
from app.generation.model import LoadedModel
from app.generation.prefix_cache import Prefix, PrefixCache, Tokens
from app.generation.protocol import Cancelled

CHUNK = 256


@dataclass(slots=True)
class Position:
    """Where a request is in its text: everything read so far, and the logits [vocabulary] that follow."""

    cache: Cache
    logits: torch.Tensor


def read_prompt(
    model: LoadedModel, prefixes: PrefixCache, version: str, ids: Tokens, cancelled: Cancelled
) -> Position | None:
    """Read `ids` and remember them under the adapter `version`; None if `cancelled` between two chunks.

    Reading in chunks lets a cancelled request stop, and bounds the memory of attention.
    """
    known, shared = prefixes.longest(version, ids)
    if known is not None and shared == len(ids) == len(known.ids):
        return Position(continue_from(known.layers, shared), known.logits)
    shared = min(shared, len(ids) - 1)
    cache = continue_from(known.layers if known else (), shared)
    for chunk in _chunks(ids[shared:]):
        if cancelled():
            return None
        logits = _advance(model, cache, chunk, last=shared + len(chunk) == len(ids))
        shared += len(chunk)
    prefixes.put(version, Prefix(ids, views(cache), logits))
    return Position(cache, logits)


def read_token(model: LoadedModel, position: Position, token: int) -> None:
    """Move `position` one token further."""
    position.logits = _advance(model, position.cache, (token,), last=True)


def _chunks(ids: Tokens) -> Iterator[Tokens]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


@torch.inference_mode()
def _advance(model: LoadedModel, cache: Cache, ids: Tokens, last: bool) -> torch.Tensor:
    """Read `ids`; with `last`, the logits after them (the vocabulary is the dearest layer), else nothing."""
    inputs = torch.tensor([ids], device=model.device)
    if not last:
        model.network.base_model(input_ids=inputs, past_key_values=cache, use_cache=True)
        return torch.empty(0)
    output = model.network(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
    logits: torch.Tensor = output.logits[0, -1].float()
    return logits
