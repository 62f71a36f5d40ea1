"""A file in the layout of the packaged embedder, small enough to be made by a test, and its weights."""

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 64, 4, 2, 128, 32
LETTERS = "abcdefghijklmnopqrstuvwxyz:"
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", "▁passage", "～", "▁费", "费", *LETTERS]
VOCABULARY = len(PIECES) + 3


def tensors(seed: int = 7) -> dict[str, NDArray[np.float32]]:
    """Weights by their names in the file; matrices hold values that 4 bits and a scale can hold."""
    return dict(_tensors(np.random.default_rng(seed)))


def packed(values: dict[str, NDArray[np.float32]], magic: bytes = b"E5S1") -> bytes:
    """The file of these weights."""
    head = struct.pack(
        "<4sI7ifi", magic, 1, HIDDEN, LAYERS, HEADS, INNER, VOCABULARY, POSITIONS, 2, 1e-12, 32
    )
    head += _tokenizer() + struct.pack("<iI", 1, 6) + b"unused" + struct.pack("<i", len(values))
    entries = {
        name: (1, *_blocks(value)) if value.ndim > 1 else (0, value.size, value.tobytes())
        for name, value in values.items()
    }
    start = len(head) + sum(2 + len(name) + 21 for name in entries)
    directory, data = b"", b""
    for name, (kind, size, raw) in entries.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, size, start + len(data), len(raw))
        data += raw
    return head + directory + data


def _tensors(random: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    def matrix(rows: int, columns: int) -> NDArray[np.float32]:
        levels = random.integers(-8, 8, (rows, columns)).astype(np.float32)
        scales = random.uniform(0.01, 0.05, (rows, columns // 32)).astype(np.float16)
        return levels * scales.astype(np.float32).repeat(32, axis=1)

    def vector(size: int, middle: float = 0.0) -> NDArray[np.float32]:
        return (middle + random.normal(0, 0.1, size)).astype(np.float32)

    yield from (("emb.word", matrix(VOCABULARY, HIDDEN)), ("emb.pos", matrix(POSITIONS, HIDDEN)))
    yield "emb.type", vector(2 * HIDDEN)
    yield from (("emb.ln.w", vector(HIDDEN, 1)), ("emb.ln.b", vector(HIDDEN)))
    for layer in range(LAYERS):
        shapes = dict.fromkeys(("q", "k", "v", "ao"), (HIDDEN, HIDDEN))
        for name, shape in {**shapes, "fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}.items():
            yield f"l{layer}.{name}.w", matrix(*shape)
            yield f"l{layer}.{name}.b", vector(shape[0])
        for name in ("aln", "oln"):
            yield f"l{layer}.{name}.w", vector(HIDDEN, 1)
            yield f"l{layer}.{name}.b", vector(HIDDEN)


def _tokenizer() -> bytes:
    blob = "".join(PIECES).encode()
    offsets = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    scores = np.array([0.0] * 4 + [-2.0 - i / 100 for i in range(len(PIECES) - 4)], dtype="<f4")
    head = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, len(blob))
    return head + offsets.tobytes() + scores.tobytes() + blob


def _blocks(values: NDArray[np.float32]) -> tuple[int, bytes]:
    """4-bit blocks of 32: the scale that makes all levels whole, then the levels, two to a byte."""
    blocks = values.reshape(-1, 32)
    raw = b""
    for block in blocks:
        scale = np.float16(_scale(block))
        levels = np.rint(block / np.float32(scale)).astype(int) + 8
        raw += scale.tobytes() + bytes(
            (low | high << 4) for low, high in zip(levels[:16], levels[16:], strict=True)
        )
    return values.size, raw


def _scale(block: NDArray[np.float32]) -> float:
    """The fp16 number of which all values are small whole multiples."""
    largest = float(np.abs(block).max())
    candidates = (np.float16(largest / level) for level in range(8, 0, -1))
    return next(
        float(scale)
        for scale in candidates
        if np.array_equal(np.rint(block / np.float32(scale)) * np.float32(scale), block)
    )
