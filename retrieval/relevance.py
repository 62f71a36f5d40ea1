"""Which lines of a document answer a question: a cross-encoder reads both together and scores each line.

An embedder compares the meaning of a question with that of a line; it cannot tell a line that answers from
one on the same subject, and a line by itself does not say what "this" refers to. Here the question and a
window of lines under their heading are read at once (as BERT reads pairs, Devlin et al. 2019, section 3), and
a small network scores each line from its own tokens. The weights are the packaged embedder's with a LoRA
adapter (Hu et al. 2021, section 4.1) of 4 MB, trained by `scripts/train_relevance.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge_base.once import Once
from retrieval.analysis import simplified
from retrieval.bert_shape import describe
from retrieval.embedder import Tokenize

if TYPE_CHECKING:
    import torch

    from retrieval.bert import BertEncoder

ADAPTER = Path(__file__).parent / "relevance.safetensors"
QUESTION_TOKENS, HEADING_TOKENS, LINE_TOKENS, WINDOW_TOKENS = 60, 40, 120, 320
_PRODUCT = 8  # the product of two states of unit size in each place is small


@dataclass(frozen=True, slots=True)
class Window:
    """Lines that stand one below the other, under one heading."""

    heading: str
    lines: tuple[str, ...]


class Relevance(Protocol):
    """Says how likely each line of some windows answers a question."""

    def __call__(self, question: str, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Log-odds [lines] for each window, about 0 where it is uncertain."""
        ...


class RelevanceModel:
    """`Relevance` over the packaged embedder's folder; its weights are loaded by the first question.

    `tokenize` is the embedder's, so that its vocabulary is in memory once. Safe to use from several threads.
    """

    def __init__(self, folder: Path, tokenize: Tokenize) -> None:
        self._tokenize = tokenize
        self._loaded = Once(lambda: _load(folder))

    def __call__(self, question: str, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Log-odds [lines] for each window; lines beyond the window's room have none, which is -inf."""
        encoder, head = self._loaded()
        inputs = [encoded(question, window, self._tokenize) for window in windows]
        states = encoder.states([ids for ids, _ in inputs])
        found = []
        for window, (ids, spans), state in zip(windows, inputs, states, strict=True):
            odds = np.full(len(window.lines), -np.inf, dtype=np.float32)
            if spans:
                odds[: len(spans)] = head(features(state, ids, spans))
            found.append(odds)
        return found


def encoded(question: str, window: Window, tokenize: Tokenize) -> tuple[list[int], list[tuple[int, int]]]:
    """`<s> question </s> heading </s> line </s> line </s> …`, and where each line stands in it.

    What is too long is cut; lines for which no room is left are left out.
    """
    texts = [text.translate(simplified()) for text in (question, window.heading, *window.lines)]
    asked, heading, *lines = tokenize(texts)
    begin, end = asked[0], asked[-1]
    ids = [begin, *asked[1:-1][:QUESTION_TOKENS], end, *heading[1:-1][:HEADING_TOKENS], end]
    spans: list[tuple[int, int]] = []
    for line in lines:
        tokens = [*line[1:-1][:LINE_TOKENS], end]
        if len(ids) + len(tokens) > WINDOW_TOKENS:
            break
        spans.append((len(ids), len(ids) + len(tokens)))
        ids += tokens
    return ids, spans


def features(states: torch.Tensor, ids: Sequence[int], spans: Sequence[tuple[int, int]]) -> torch.Tensor:
    """What the head sees of each line, [lines, 3 × width]: mean, the token behind it, mean × question."""
    import torch

    asked = states[1 : ids.index(ids[-1])].mean(dim=0)
    means = torch.stack([states[start:end].mean(dim=0) for start, end in spans])
    behind = states[[end - 1 for _, end in spans]]
    return torch.cat([means, behind, _PRODUCT * means * asked], dim=1)


class _Head:
    """Two layers from the features of a line to its log-odds."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self._hidden = weights["head.0.weight"].float(), weights["head.0.bias"].float()
        self._out = weights["head.2.weight"].float(), weights["head.2.bias"].float()

    def __call__(self, lines: torch.Tensor) -> NDArray[np.float32]:
        import torch
        import torch.nn.functional as F

        odds: NDArray[np.float32] = F.linear(torch.tanh(F.linear(lines, *self._hidden)), *self._out).numpy()
        return odds[:, 0]


def _load(folder: Path) -> tuple[BertEncoder, _Head]:
    """The embedder's encoder with the adapter added to its weights, and the head."""
    from safetensors.torch import load_file

    from retrieval.bert import BertEncoder, best_precision, read_tensors

    shape = describe(folder)
    assert shape is not None, "the packaged embedder is a BERT encoder"
    tensors, weights = read_tensors(folder), load_file(ADAPTER)
    names = [name.removesuffix(".lora_A") for name in weights if name.endswith(".lora_A")]
    for name in names:
        change = weights[f"{name}.lora_B"].float() @ weights[f"{name}.lora_A"].float()
        tensors[f"{name}.weight"] = tensors[f"{name}.weight"] + change
    return BertEncoder(tensors, shape, best_precision()), _Head(weights)
