"""Prompts are read into keys and values, and recent ones are kept: a shared beginning is read once."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from transformers.cache_utils import Cache, DynamicLayer

from answering.generation.model import LoadedModel
from answering.generation.protocol import Cancelled
from knowledge_base.memory import release_memory

Tokens = tuple[int, ...]
Layers = tuple[tuple[torch.Tensor, torch.Tensor], ...]

# Tokens of a prompt that are read at once: what a cancelled request waits for, and what bounds attention.
CHUNK = 256
# Tokens by which the buffers of a running request grow.
_STEP = 256


@dataclass(slots=True)
class Position:
    """Where a request is in its text: everything read so far, and the logits [vocabulary] that follow.

    `cached` tokens of the prompt were remembered, not read.
    """

    cache: Cache
    logits: torch.Tensor
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Prefix:
    """What a model remembers of a prompt.

    `layers` holds keys and values of each layer, [1, heads, len(ids), head size]; `logits` [vocabulary]
    are those after the last token.
    """

    ids: Tokens
    layers: Layers
    logits: torch.Tensor

    @property
    def size(self) -> int:
        """Bytes held, including room in the buffers behind the views."""
        tensors = [tensor for pair in self.layers for tensor in pair]
        return sum(tensor.untyped_storage().nbytes() for tensor in (*tensors, self.logits))


class PrefixCache:
    """Least recently used prefixes leave when `max_bytes` are exceeded. Used by one thread at a time.

    Keys and values depend on the adapter that made them: `version` names it ("" for the base model), and
    nothing is shared between versions.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[tuple[str, Tokens], Prefix] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of all entries; any thread may ask."""
        return sum(prefix.size for prefix in list(self._entries.values()))

    def longest(self, version: str, ids: Sequence[int]) -> tuple[Prefix | None, int]:
        """The entry that shares most leading tokens with `ids`, and how many those are."""
        best, shared = None, 0
        for key, prefix in self._entries.items():
            if key[0] == version and (common := common_length(prefix.ids, ids)) > shared:
                best, shared = key, common
        if best is None:
            return None, 0
        self._entries.move_to_end(best)
        return self._entries[best], shared

    def put(self, version: str, prefix: Prefix) -> None:
        """Keep `prefix`; an entry that is only its beginning is no longer needed."""
        ids = prefix.ids
        for key in [key for key in self._entries if key[0] == version and key[1] == ids[: len(key[1])]]:
            del self._entries[key]
        self._entries[version, ids] = prefix
        if self.size > self._max_bytes:
            while self._entries and self.size > self._max_bytes:
                self._entries.popitem(last=False)
            release_memory()

    def forget(self, version: str) -> None:
        """Drop everything that this adapter version made."""
        for key in [key for key in self._entries if key[0] == version]:
            del self._entries[key]


def common_length(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens are the same."""
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A full-length cache layer that writes in place, into buffers that grow in steps.

    transformers' own layer copies everything for each new token: 70 MB a token for Gemma 3 270M after 1,000
    tokens. Views handed out earlier stay valid, since nothing before the end is ever written again.

    Args:
        room: tokens of the first buffer, so that a prompt of known length takes no more than it needs.
    """

    def __init__(self, room: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room = room
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append [1, heads, new tokens, head size]; returns all keys and all values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._buffers is None or self._buffers[0].shape[-2] < end:
            room = self._room if end <= self._room else end + _STEP
            self._buffers = (_grown(key_states, self.keys, room), _grown(value_states, self.values, room))
        keys, values = self._buffers
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values


def _grown(new: torch.Tensor, old: torch.Tensor | None, room: int) -> torch.Tensor:
    """A buffer like `new` for `room` tokens, which begins with `old`."""
    buffer = new.new_empty(*new.shape[:-2], room, new.shape[-1])
    if old is not None and old.numel():
        buffer[..., : old.shape[-2], :] = old
    return buffer


def continue_from(layers: Layers, length: int, room: int = 0) -> Cache:
    """A new cache that begins with the first `length` tokens of `layers`, copied, in buffers for `room`.

    Sliding-window layers keep their full length too, so that it can be cut anywhere.
    """
    cache = Cache(layer_class_to_replicate=partial(GrowingLayer, room))  # type: ignore[arg-type]
    if length:
        for index, (keys, values) in enumerate(layers):
            cache.update(keys[..., :length, :], values[..., :length, :], index)
    return cache


def views(cache: Cache) -> Layers:
    """Keys and values of each layer as they are now; they stay so while the cache grows."""
    return tuple(
        (layer.keys, layer.values)
        for layer in cache.layers
        if isinstance(layer, GrowingLayer) and layer.keys is not None and layer.values is not None
    )


def read_prompt(
    model: LoadedModel, prefixes: PrefixCache, version: str, ids: Tokens, cancelled: Cancelled
) -> Position | None:
    """Read `ids` and remember them under the adapter `version`; None if `cancelled` between two chunks."""
    known, shared = prefixes.longest(version, ids)
    if known is not None and shared == len(ids) == len(known.ids):
        return Position(continue_from(known.layers, shared), known.logits, shared)
    shared = min(shared, len(ids) - 1)
    cache = continue_from(known.layers if known else (), shared, room=len(ids))
    for start in range(shared, len(ids), CHUNK):
        if cancelled():
            return None
        logits = _advance(model, cache, ids[start : start + CHUNK], keep=int(start + CHUNK >= len(ids)))
    prefixes.put(version, Prefix(ids, views(cache), logits[-1]))
    return Position(cache, logits[-1], shared)


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


@torch.inference_mode()
def _advance(model: LoadedModel, cache: Cache, ids: Tokens, keep: int) -> torch.Tensor:
    """Read `ids`; the logits [keep, vocabulary] after the last ones: the vocabulary is expensive."""
    inputs = torch.tensor([ids], device=model.device)
    if not keep:
        model.network.base_model(input_ids=inputs, past_key_values=cache, use_cache=True)
        return torch.empty(0)
    output = model.network(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=keep)
    logits: torch.Tensor = output.logits[0].float()
    return logits
