"""BERT encoders on a processor, for speed: no padding, fused projections, 8-bit products where they pay.

What a general implementation spends on a processor, and what is done here instead (milliseconds of processor
time a passage; one core with AVX2, multilingual-e5-small, passages of 190 tokens):

- a batch of 32 leaves the caches at every layer (373 ms; one passage at a time 161 ms): a pack holds the
  tokens of one passage, or of several short ones, each attending to itself alone, and nothing is padded;
- threads that share every small operation wait for each other: each worker computes whole packs alone;
- products in fp32 are bound by arithmetic (105 ms); in 8 bits they take about half. Each row of the input has
  a scale of its own, weights the finest scales that are safe, and vectors stay at a cosine of .9997 (recall@1
  on XQuAD moves by what random noise of that size moves it, .003). With one scale for the whole input, as
  torch's dynamic quantisation has it, a few rows with huge values cost .05 of the recall across languages.

A text's vector does not depend on the texts that are computed with it.
"""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from threadpoolctl import threadpool_limits
from torch import Tensor

from retrieval.bert_shape import WEIGHTS, Shape, plain_name
from retrieval.values import Vectors

Precision = Literal["fp32", "bf16", "int8"]

# Texts shorter than this share a pack: enough rows for the products, few enough for the caches. A few texts
# are spread over all workers, in packs of no fewer tokens than the second number.
PACK_TOKENS, SMALL_PACK_TOKENS = 256, 32
_INPUT_LEVELS = 255
# Half of the error of 8 bits would arise in the queries and keys of the last layers: they stay as they are.
_EXACT_FROM = 2 / 3
_INT8_FUNCTIONS = (
    (torch, "quantize_per_channel"),
    (torch.ops.quantized, "linear_prepack"),
    (torch.ops.quantized, "linear_with_input_q_dq_qweight_dq_output_fp32"),
)
# GELU is never below this, so that its outputs need few levels for negative values.
_GELU_MINIMUM = 0.17


class Linear(Protocol):
    """y = x Wᵀ + b for rows x: [rows, inputs] → [rows, outputs]."""

    def __call__(self, rows: Tensor) -> Tensor:
        """The outputs of all rows."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FloatLinear:
    """The product in the weight's own number format."""

    weight: Tensor
    bias: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        """The outputs of all rows."""
        return F.linear(rows, self.weight, self.bias)


class Int8Linear:
    """The product in 8 bits: weights with one scale for each output, inputs with one for each row.

    A row is divided by its largest value, so that one fixed range [-`low`, 1] fits all rows: a text's
    vector does not depend on the texts that are computed with it. `low` is 1 for inputs of both signs.
    `sizes` are expected sizes of the inputs [inputs]: dividing by them, and multiplying the weights, keeps a
    few large inputs from leaving the others few levels (SmoothQuant, arXiv:2211.10438, with exponent 1).
    """

    def __init__(self, weight: Tensor, bias: Tensor, low: float = 1.0, sizes: Tensor | None = None) -> None:
        weight = weight if sizes is None else weight * sizes
        scales = _safe_scales(weight)
        zeros = torch.zeros(len(scales), dtype=torch.long)
        with warnings.catch_warnings():
            # A later torch may drop these types; `best_precision` then falls back to fp32.
            warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
            quantized = torch.quantize_per_channel(weight, scales.double(), zeros, 0, torch.qint8)
        self._packed = _packed_by_fbgemm(quantized)
        self._bias = bias
        self._inverse_sizes = None if sizes is None else 1 / sizes
        self._smallest = _GELU_MINIMUM / low
        self._both_signs = low == 1.0
        self._step = (1 + low) / _INPUT_LEVELS
        self._zero = round(low / self._step)

    def __call__(self, rows: Tensor) -> Tensor:
        """The outputs of all rows, in fp32."""
        if self._inverse_sizes is not None:
            rows = rows * self._inverse_sizes
        if self._both_signs:
            largest = rows.abs().amax(dim=1, keepdim=True).clamp_(min=1e-8)
        else:
            largest = rows.amax(dim=1, keepdim=True).clamp_(min=self._smallest)
        products = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(
            rows / largest, self._step, self._zero, self._packed
        )
        return torch.addcmul(self._bias, products, largest, out=products)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One encoder layer; `first` and `second` are weight and bias of its two norms."""

    projections: Linear
    output: Linear
    expand: Linear
    contract: Linear
    first: tuple[Tensor, Tensor]
    second: tuple[Tensor, Tensor]


class BertEncoder:
    """Token ids to unit vectors. Thread-safe: nothing changes after it is made.

    Raises nothing of its own; `describe` tells whether a folder holds such a model. `tensors` are those of
    `read_tensors`; encoders of several precisions share them.
    """

    def __init__(self, tensors: dict[str, Tensor], shape: Shape, precision: Precision) -> None:
        self._shape = shape
        self._dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        # Stays mapped from the file in the file's own format: only rows of words that occur are read.
        self._words = tensors["embeddings.word_embeddings.weight"]
        types = tensors["embeddings.token_type_embeddings.weight"][0]
        positions = tensors["embeddings.position_embeddings.weight"][shape.first_position :]
        self._places = (positions.float() + types.float()).to(self._dtype)
        self._norm = self._pair(tensors, "embeddings.LayerNorm")
        self._layers = [self._layer(tensors, number, precision) for number in range(shape.layers)]
        self._threads = torch.get_num_threads()
        self._workers = ThreadPoolExecutor(self._threads, "embedder", initializer=_compute_alone)

    def encode(self, ids: Sequence[Sequence[int]]) -> Vectors:
        """Unit vectors [texts, dimension] of token ids, special tokens included, fp32."""
        pool = _mean if self._shape.pooling == "mean" else _first
        pooled = torch.stack(self._in_packs(ids, pool)) if ids else torch.empty((0, self._shape.width))
        vectors: Vectors = F.normalize(pooled, dim=1).numpy()
        return vectors

    def states(self, ids: Sequence[Sequence[int]]) -> list[Tensor]:
        """What the last layer holds for each token of each text, [tokens, dimension], fp32."""
        return self._in_packs(ids, lambda states: states)

    def _in_packs(self, ids: Sequence[Sequence[int]], pool: Callable[[Tensor], Tensor]) -> list[Tensor]:
        """What `pool` makes of each text's states; the packs are shared out among the workers."""
        lengths = [len(text) for text in ids]
        share = max(sum(lengths) // self._threads, SMALL_PACK_TOKENS)
        groups = packs(lengths, min(share, PACK_TOKENS))
        parts = self._workers.map(lambda group: self._pack_states([ids[i] for i in group], pool), groups)
        found: list[Tensor] = [torch.empty(0)] * len(ids)
        for group, part in zip(groups, parts, strict=True):
            for place, states in zip(group, part, strict=True):
                found[place] = states
        return found

    @torch.inference_mode()
    def _pack_states(self, texts: Sequence[Sequence[int]], pool: Callable[[Tensor], Tensor]) -> list[Tensor]:
        lengths = [len(text) for text in texts]
        hidden = self._embed(texts, lengths)
        for layer in self._layers:
            hidden = self._apply(layer, hidden, lengths)
        return [pool(part) for part in torch.split(hidden.float(), lengths)]

    def _embed(self, texts: Sequence[Sequence[int]], lengths: Sequence[int]) -> Tensor:
        words = self._words[torch.tensor([token for text in texts for token in text])].to(self._dtype)
        places = torch.cat([self._places[:length] for length in lengths])
        return self._normalised(words + places, self._norm)

    def _apply(self, layer: Layer, hidden: Tensor, lengths: list[int]) -> Tensor:
        tokens, width = hidden.shape
        heads = layer.projections(hidden).view(1, tokens, 3, self._shape.heads, -1).permute(2, 0, 3, 1, 4)
        texts = zip(*(part.split(lengths, dim=2) for part in heads), strict=True)
        contexts = [F.scaled_dot_product_attention(q, k, v).transpose(1, 2) for q, k, v in texts]
        attended = layer.output(torch.cat(contexts, dim=1).view(tokens, width))
        hidden = self._normalised(attended.add_(hidden), layer.first)
        expanded = torch.ops.aten.gelu_(layer.expand(hidden))
        return self._normalised(layer.contract(expanded).add_(hidden), layer.second)

    def _normalised(self, rows: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return F.layer_norm(rows, rows.shape[-1:], *norm, self._shape.epsilon)

    def _layer(self, tensors: dict[str, Tensor], number: int, precision: Precision) -> Layer:
        prefix = f"encoder.layer.{number}"
        attention = f"{prefix}.attention"

        def linear(*names: str, low: float = 1.0, exact: bool = False, sizes: Tensor | None = None) -> Linear:
            weight = _joined([tensors[f"{name}.weight"].float() for name in names])
            bias = _joined([tensors[f"{name}.bias"].float() for name in names])
            if precision == "int8" and not exact:
                return Int8Linear(weight, bias, low, sizes)
            return FloatLinear(weight.to(self._dtype), bias.to(self._dtype))

        projections = [f"{attention}.self.{name}" for name in ("query", "key", "value")]
        first = self._pair(tensors, f"{attention}.output.LayerNorm")
        return Layer(
            projections=linear(*projections, exact=number >= self._shape.layers * _EXACT_FROM),
            output=linear(f"{attention}.output.dense"),
            expand=linear(f"{prefix}.intermediate.dense", sizes=_sizes_after(*first)),
            contract=linear(f"{prefix}.output.dense", low=0.25),
            first=first,
            second=self._pair(tensors, f"{prefix}.output.LayerNorm"),
        )

    def _pair(self, tensors: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
        return tensors[f"{name}.weight"].to(self._dtype), tensors[f"{name}.bias"].to(self._dtype)


def _mean(states: Tensor) -> Tensor:
    return states.mean(dim=0)


def _first(states: Tensor) -> Tensor:
    return states[0]


def packs(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices in groups of at most `tokens` tokens, longest first; a longer text is a group by itself."""
    groups: list[list[int]] = []
    room = 0
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if lengths[index] > room:
            groups.append([])
            room = tokens
        groups[-1].append(index)
        room -= lengths[index]
    return groups


def best_precision() -> Precision:
    """The number format in which this processor embeds fastest without losing recall."""
    if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported():
        return "bf16"
    has_int8 = "fbgemm" in torch.backends.quantized.supported_engines and all(
        hasattr(module, name) for module, name in _INT8_FUNCTIONS
    )
    return "int8" if has_int8 else "fp32"


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """The weights of a folder, mapped from the file; names from "embeddings." and "encoder." on."""
    return {plain_name(name): value for name, value in load_file(folder / WEIGHTS).items()}


def _joined(parts: list[Tensor]) -> Tensor:
    """The rows of all parts; a single part stays where it is, mapped from the file."""
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _sizes_after(weight: Tensor, bias: Tensor) -> Tensor:
    """How large the outputs of a norm become: three standard deviations and the mean."""
    return (3 * weight.abs() + bias.abs()).float().clamp(min=1e-3)


def _safe_scales(weight: Tensor) -> Tensor:
    """The finest scale of each row of weights [outputs] with which no product is cut off.

    Without VNNI a processor adds the products of two neighbours in 16 bits: 255 times the sum of two weights
    of one sign must stay below 2¹⁵. With scales from the largest weight alone they had to be 1.6 times
    coarser.
    """
    above, below = weight.clamp(min=0), -weight.clamp(max=0)
    sums = torch.maximum(
        (above[:, ::2] + above[:, 1::2]).amax(dim=1), (below[:, ::2] + below[:, 1::2]).amax(dim=1)
    )
    return torch.maximum(weight.abs().amax(dim=1) / 127, sums / 127).clamp(min=1e-8)


def _packed_by_fbgemm(weight: Tensor) -> Any:  # noqa: ANN401 - torch has no name for it
    """The weight as FBGEMM wants it; which engine packs is a setting of the whole process."""
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "fbgemm"
    try:
        return torch.ops.quantized.linear_prepack(weight, None)
    finally:
        torch.backends.quantized.engine = before


def _compute_alone() -> None:
    """This thread's operations use no other threads; those of other threads are not touched."""
    torch.zeros(1)  # torch sets its own number of threads at a thread's first operation
    threadpool_limits(1, user_api="openmp")
