"""Which number formats this machine computes fastest with."""

from dataclasses import dataclass
from typing import Literal

import torch

Packing = Literal["half", "int8"]


@dataclass(frozen=True, slots=True)
class Precision:
    """Number formats of a loaded model.

    `weights` is the format the weights are loaded in, "auto" for that of the files. `packing` names how
    linear layers are packed for decoding on a processor: "half" (fp16 weights, fp32 products), "int8" (bf16
    for prompts, 8 bits for single tokens), or None for the layers as transformers has them.
    """

    weights: torch.dtype | Literal["auto"]
    packing: Packing | None = None


def best_precision(device: str) -> Precision:
    """bf16 on a GPU, 8-bit decoding on processors with bf16 arithmetic, fp16 weights on other x86 ones."""
    if device != "cpu":
        return Precision(torch.bfloat16)
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return Precision(torch.float32)
    return Precision(torch.bfloat16, "int8") if has_bf16_arithmetic() else Precision("auto", "half")


def has_bf16_arithmetic() -> bool:
    """Whether the processor multiplies bf16 itself; where it only imitates it, fp32 is much faster."""
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("amx_bf16", "avx512_bf16"))
