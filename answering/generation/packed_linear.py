"""Linear layers of a frozen model, packed for the speed of decoding on a processor.

Writing one token reads every weight once, so the bytes of the weights bound its speed. Two formats:

- `HalfLinear` for processors without bf16 arithmetic: weights in fp16, products in fp32 (FBGEMM). One copy
  serves prompt and decoding, exact to the rounding of fp16, at twice to three times the speed of fp32.
- `Int8Linear` for those with it: bf16 for the prompt, and for single tokens a copy in 8 bits with one scale
  for each output.

Both are `nn.Linear`, so that PEFT wraps them like any other.
"""

from functools import lru_cache

import torch
from torch import nn


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


@lru_cache(maxsize=1)  # PEFT asks one layer twenty times before it goes on to the next
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
