"""Keys and values of prompts seen lately, so that a shared beginning is read only once."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from answering.generation.memory import give_back

Tokens = tuple[int, ...]
Layers = tuple[tuple[torch.Tensor, torch.Tensor], ...]


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
        """Bytes of all entries."""
        return sum(prefix.size for prefix in self._entries.values())

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
            self._drop_oldest()

    def forget(self, version: str) -> None:
        """Drop everything that this adapter version made."""
        for key in [key for key in self._entries if key[0] == version]:
            del self._entries[key]

    def _drop_oldest(self) -> None:
        while self._entries and self.size > self._max_bytes:
            self._entries.popitem(last=False)
        give_back()


def common_length(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens are the same."""
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))
