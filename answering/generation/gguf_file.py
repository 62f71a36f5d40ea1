"""Reads a GGUF file: its metadata, and its tensors as fp32.

The number formats are those of the `gguf` package. Only the header is read here: `gguf.GGUFReader` makes
several small arrays of each of the 262,144 tokens of a vocabulary and takes half a minute for what a plain
parser does in a third of a second. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize
from numpy.typing import NDArray

from knowledge_base.errors import ModelError

_VERSION = 3
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_DEFAULT_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where a tensor lies: `shape` outermost first, `kind` a GGML quantization type, `start` in bytes."""

    shape: tuple[int, ...]
    kind: int
    start: int


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A file in memory with its parsed header."""

    data: bytes
    metadata: Mapping[str, Any]
    entries: Mapping[str, TensorEntry]

    def tensor(self, name: str) -> NDArray[np.float32]:
        """One tensor as fp32, in its shape."""
        entry = self.entries[name]
        kind = GGMLQuantizationType(entry.kind)
        block, block_bytes = GGML_QUANT_SIZES[kind]
        row_bytes = entry.shape[-1] // block * block_bytes
        raw = np.frombuffer(self.data, np.uint8, prod(entry.shape[:-1]) * row_bytes, entry.start)
        values: NDArray[np.float32] = dequantize(raw.reshape(*entry.shape[:-1], row_bytes), kind)
        return values


def parse(data: bytes) -> GgufFile:
    """Read the header of a GGUF file; ModelError if it is not one of version 3, little-endian."""
    cursor = _Cursor(data)
    magic, version = cursor.take("4s"), cursor.take("I")
    if (magic, version) != (b"GGUF", _VERSION):
        raise ModelError(
            f"The model's file is not GGUF version {_VERSION} (it begins with {magic!r}, version {version}).",
            "Install the model's packages again: make run",
        )
    tensors, entries = cursor.take("Q"), cursor.take("Q")
    metadata = {cursor.text(): cursor.value(cursor.take("I")) for _ in range(entries)}
    raw = [(cursor.text(), cursor.shape(), cursor.take("I"), cursor.take("Q")) for _ in range(tensors)]
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    start = -(-cursor.position // alignment) * alignment
    return GgufFile(
        data, metadata, {name: TensorEntry(shape, kind, start + offset) for name, shape, kind, offset in raw}
    )


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, data: bytes) -> None:
        self.position = 0
        self._data = data

    def take(self, code: str) -> Any:  # noqa: ANN401 - the code says what it is
        """One value of a `struct` code."""
        return self._many(code)[0]

    def text(self) -> str:
        """A string with its length before it."""
        end = self.take("Q") + self.position
        text = self._data[self.position : end].decode()
        self.position = end
        return text

    def shape(self) -> tuple[int, ...]:
        """A tensor's dimensions; the file has the innermost first."""
        return tuple(reversed([self.take("Q") for _ in range(self.take("I"))]))

    def value(self, kind: int) -> Any:  # noqa: ANN401 - the kind says what it is
        """A metadata value of a GGUF value type."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            element, count = self.take("I"), self.take("Q")
            if element in _SCALARS:
                return self._many(f"{count}{_SCALARS[element]}")
            return tuple(self.value(element) for _ in range(count))
        return self.take(_SCALARS[kind])

    def _many(self, codes: str) -> tuple[Any, ...]:
        layout = struct.Struct(f"<{codes}")
        values = layout.unpack_from(self._data, self.position)
        self.position += layout.size
        return values
