"""Keys and values of one running request, in buffers that grow in steps instead of with every token."""

import torch
from transformers.cache_utils import Cache, DynamicLayer

from answering.generation.prefix_cache import Layers

_STEP = 256


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A full-length cache layer that writes in place.

    transformers' own layer copies everything for each new token: 70 MB a token for Gemma 3 270M after 1,000
    tokens. Views handed out earlier stay valid, since nothing before the end is ever written again.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append [1, heads, new tokens, head size]; returns all keys and all values so far."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        keys, values = self._room(key_states, value_states, start, end)
        keys[..., start:end, :] = key_states
        values[..., start:end, :] = value_states
        self.keys, self.values = keys[..., :end, :], values[..., :end, :]
        return self.keys, self.values

    def _room(
        self, key_states: torch.Tensor, value_states: torch.Tensor, start: int, end: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self._buffers is None or self._buffers[0].shape[-2] < end:
            grown = tuple(
                states.new_empty(*states.shape[:-2], end + _STEP, states.shape[-1])
                for states in (key_states, value_states)
            )
            if self.keys is not None and self.values is not None and start:
                grown[0][..., :start, :] = self.keys
                grown[1][..., :start, :] = self.values
            self._buffers = (grown[0], grown[1])
        return self._buffers


def new_cache() -> Cache:
    """An empty cache; sliding-window layers keep their full length too, so that it can be cut anywhere."""
    return Cache(layer_class_to_replicate=GrowingLayer)


def continue_from(layers: Layers, length: int) -> Cache:
    """A new cache that begins with the first `length` tokens of `layers`, copied."""
    cache = new_cache()
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
