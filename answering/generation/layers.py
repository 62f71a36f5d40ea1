"""Layers of a frozen model that compute the same faster on a processor, for one sequence at a time.

Writing one token reads every weight once, so the bytes of the weights bound its speed. Two formats:

- `HalfLinear` for processors without bf16 arithmetic: weights in fp16, products in fp32 (FBGEMM). One copy
  serves prompt and decoding, exact to the rounding of fp16, at twice to three times the speed of fp32.
- `Int8Linear` for those with it: bf16 for the prompt, and for single tokens a copy in 8 bits with one scale
  for each output.

All are `nn.Linear`, so that PEFT wraps them like any other. torch's functions for packed weights are private:
`supports` finds out whether the installed version still has them.
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

# Logits of the head that are computed again: within this distance of the best, and so many.
_MARGIN, _MOST = 6.0, 4096
# More rows than a token and its guesses are a prompt: its own format reads them at once.
_ROWS = 16
_ATTENTION = "domainqa_grouped"
# Architectures whose attention is `grouped_attention`, causal or with a sliding window; equal in the tests.
# Others (sinks, chunks, their own biases) keep the implementation that transformers chooses.
GROUPED = frozenset({"gemma2", "gemma3_text", "llama", "mistral", "qwen2", "qwen3"})


@cache
@torch.inference_mode()
def supports(layer: Callable[[nn.Linear], nn.Linear]) -> bool:
    """Whether `layer` computes here what the `nn.Linear` that it replaces does."""
    source = nn.Linear(64, 32, bias=False)
    source.weight.copy_(torch.arange(64 * 32).sin().view(32, 64))
    row = torch.arange(64).cos()[None]
    try:
        found = layer(source.bfloat16())(row if layer is not Int8Linear else row.bfloat16()).float()
    except (AttributeError, RuntimeError, TypeError):
        return False
    expected = row @ source.weight.float().T
    return bool((found - expected).norm() < expected.norm() / 20)


class HalfLinear(nn.Linear):
    """y = x Wᵀ + b with W in fp16 and x, y in fp32."""

    def __init__(self, source: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = source.in_features, source.out_features
        weight = source.weight.detach().float()
        bias = None if source.bias is None else source.bias.detach().float()
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight, bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """[..., inputs] → [..., outputs]."""
        output: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(input.contiguous(), self._packed)
        return output

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]
        """W in fp32: what PEFT asks for when it loads an adapter."""
        return _unpacked(self._packed)[0]

    @property
    def bias(self) -> torch.Tensor | None:  # type: ignore[override]
        """The bias, or None."""
        return _unpacked(self._packed)[1]


@lru_cache(maxsize=1)  # PEFT asks one layer twenty times before it moves to the next
def _unpacked(packed: torch.ScriptObject) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Weight in fp32 and bias of a layer."""
    weight, bias = torch.ops.quantized.linear_unpack_fp16(packed)
    return weight.float(), bias


class Int8Linear(nn.Linear):
    """y = x Wᵀ + b; a single row x goes through a copy of W in 8 bits."""

    def __init__(self, source: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = source.in_features, source.out_features
        self.weight, self.bias = source.weight, source.bias
        self._rows, self._scales = quantize_rows(source.weight.detach())

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """[..., inputs] → [..., outputs]."""
        if input.numel() != self.in_features:
            return super().forward(input)
        row = input.reshape(1, -1).to(torch.bfloat16)
        output = torch._weight_int8pack_mm(row, self._rows, self._scales).to(input.dtype)
        if self.bias is not None:
            output = output + self.bias
        return output.view(*input.shape[:-1], self.out_features)


def quantize_rows(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows in 8 bits [outputs, inputs] and their scales [outputs] in bf16, symmetric around zero.

    The scale is rounded first and the weights are divided by what it became, so that rounding it costs
    nothing.
    """
    scales = (weight.abs().amax(dim=1).float() / 127).clamp(min=1e-8).to(torch.bfloat16)
    rows = torch.empty(weight.shape, dtype=torch.int8)
    for start in range(0, len(weight), 16384):
        block = slice(start, start + 16384)
        scaled = weight[block].float() / scales[block, None].float()
        rows[block] = scaled.round_().clamp_(-127, 127).to(torch.int8)
    return rows, scales


class RefinedHead(nn.Linear):
    """Logits of hidden states from 8-bit weights, the best of them computed again from the exact ones.

    With 262,144 tokens the head holds two thirds of Gemma 3 270M, and 8 bits make it several times as fast,
    but shift logits by a third of a unit on average. All that come within 6 units of the best are computed
    again, which covers what an answer can begin with: greedy choices are those of the exact head.

    `weight` stays as the model has it, shared with its embedding where the two are tied.
    """

    def __init__(self, source: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = source.in_features, source.out_features
        self.weight, self.bias = source.weight, source.bias
        rows, scales = quantize_rows(source.weight.detach())
        zeros = torch.zeros(self.out_features, dtype=torch.long)
        with warnings.catch_warnings():
            # torch announces that this type will go; `supports` finds out when it has gone.
            warnings.filterwarnings("ignore", ".*quantized tensor creation.*", UserWarning)
            quantized = torch._make_per_channel_quantized_tensor(rows, scales.double(), zeros, 0)
        bias = None if source.bias is None else source.bias.detach().float()
        beside = ThreadPoolExecutor(1, "pack")  # it takes seconds, in which the rest of a model can be loaded
        self._packing = beside.submit(torch.ops.quantized.linear_prepack, quantized, bias)
        beside.shutdown(wait=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """[..., inputs] → [..., vocabulary] in fp32 for few rows, else in the model's own format."""
        if input.numel() > _ROWS * self.in_features:
            return super().forward(input.to(self.weight.dtype))
        rows = input.reshape(-1, self.in_features).float()
        packed = self._packing.result()
        logits: torch.Tensor = torch.ops.quantized.linear_dynamic(rows, packed, reduce_range=True)
        for row, approximate in zip(rows, logits, strict=True):
            best = (approximate >= approximate.max() - _MARGIN).nonzero().flatten()
            if len(best) > _MOST:
                best = approximate.topk(_MOST).indices
            approximate[best] = self._exact(row, best)
        return logits.view(*input.shape[:-1], self.out_features)

    def _exact(self, row: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Logits [n] of some tokens after the hidden state `row` [inputs]."""
        logits = torch.mv(self.weight[tokens].float(), row)
        return logits if self.bias is None else logits + self.bias[tokens].float()


def fuse_norms(network: nn.Module) -> None:
    """Replace each RMS norm whose result torch's own reproduces; others stay as they are.

    Architectures multiply by `weight` (Llama) or by 1 + `weight` (Gemma) and do not say which, so both are
    tried on numbers.
    """
    for name, module in list(network.named_modules()):
        if type(module).__name__.endswith("RMSNorm") and (fused := _equivalent(module)) is not None:
            network.set_submodule(name, fused)


@torch.no_grad()
def _equivalent(module: nn.Module) -> nn.RMSNorm | None:
    weight = getattr(module, "weight", None)
    eps = getattr(module, "eps", getattr(module, "variance_epsilon", None))
    if weight is None or eps is None or weight.dim() != 1:
        return None
    probe = torch.linspace(-3, 2, weight.numel(), dtype=weight.dtype)[None]
    expected = module(probe).float()
    tolerance = 1e-5 if weight.dtype == torch.float32 else 2e-2
    for gain in (weight.float(), 1 + weight.float()):
        fused = nn.RMSNorm(weight.numel(), eps=eps)
        fused.weight = nn.Parameter(gain.to(weight.dtype), requires_grad=False)
        if torch.allclose(fused(probe).float(), expected, rtol=tolerance):
            return fused
    return None


def use_grouped_attention(network: PreTrainedModel) -> bool:
    """Let `network` compute attention by `grouped_attention`; False if its architecture is not supported."""
    if network.config.model_type not in GROUPED:
        return False
    AttentionInterface.register(_ATTENTION, grouped_attention)
    AttentionMaskInterface.register(_ATTENTION, _mask)
    network.set_attn_implementation(_ATTENTION)
    return True


def grouped_attention(  # noqa: PLR0913, PLR0917 - the interface of transformers
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_unused: object,
) -> tuple[torch.Tensor, None]:
    """Attention of the interface of transformers, for texts without padding.

    Query heads that share a key head are rows of one product, so keys are not repeated; keys before the
    window of the first query are left out. For head size 256 this is 2.7 times as fast as SDPA in bf16 with
    AMX, and twice as fast for single tokens in fp32.

    Args:
        module: the attention layer (not used).
        query: [texts, heads, new tokens, head size].
        key: [texts, key heads, all tokens, head size].
        value: the same shape as `key`.
        attention_mask: [1 or texts, 1, new tokens, all tokens], added to the scores; None for a single token.
        scaling: factor of the scores.
        sliding_window: how many tokens back, itself included, a token sees; None for all.
        softcap: scores are squeezed into ±softcap by tanh.

    Returns:
        [texts, new tokens, heads, head size], and no weights.
    """
    texts, heads, new, size = query.shape
    seen = key.shape[2]
    if sliding_window is not None:
        seen = min(seen, new + sliding_window - 1)
        key, value = key[:, :, -seen:], value[:, :, -seen:]
    rows = query.reshape(texts, key.shape[1], -1, size)
    scores = torch.matmul(rows, key.transpose(2, 3)).mul_(scaling).view(texts, heads, new, seen)
    if softcap is not None:
        scores = torch.tanh(scores.div_(softcap)) * softcap
    if attention_mask is not None:
        scores += attention_mask[..., -seen:]
    weights = torch.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    mixed = torch.matmul(weights.view(texts, key.shape[1], -1, seen), value)
    return mixed.view(texts, heads, new, size).transpose(1, 2).contiguous(), None


def _mask(batch_size: int, q_length: int, kv_length: int, **rest: Any) -> torch.Tensor | None:  # noqa: ANN401
    """The mask for several new tokens; a single one sees all keys that `grouped_attention` leaves it."""
    return None if q_length == 1 else eager_mask(batch_size, q_length, kv_length, **rest)
