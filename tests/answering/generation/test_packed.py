"""Packed layers, fused norms and grouped attention compute what they replace."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.gemma3.modeling_gemma3 import Gemma3RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from answering.generation.layers import (
    HalfLinear,
    Int8Linear,
    RefinedHead,
    fuse_norms,
    grouped_attention,
    quantize_rows,
)
from answering.generation.model import best_precision


def a_linear(bias: bool, inputs: int = 64, outputs: int = 96) -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(inputs, outputs, bias=bias)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 64), (1, 7, 64)])
@torch.inference_mode()
def test_a_half_linear_is_exact_to_the_rounding_of_fp16(bias: bool, shape: tuple[int, ...]) -> None:
    source, rows = a_linear(bias), torch.randn(shape)
    packed = HalfLinear(source)
    assert packed(rows).shape == source(rows).shape
    assert torch.allclose(packed(rows), source(rows), atol=2e-3)
    assert torch.allclose(packed.weight, source.weight, atol=1e-3)
    assert (packed.bias is None) == (not bias)


def test_two_half_linears_give_their_own_weights_in_turn() -> None:
    sources = [nn.Linear(64, 32), nn.Linear(64, 32)]
    for source, packed in [*zip(sources, map(HalfLinear, sources), strict=True)] * 2:
        assert torch.allclose(packed.weight, source.weight, atol=1e-3)


@pytest.mark.parametrize("bias", [False, True])
@torch.inference_mode()
def test_an_int8_linear_reads_prompts_exactly_and_single_tokens_nearly(bias: bool) -> None:
    source = a_linear(bias).to(torch.bfloat16)
    packed = Int8Linear(source)
    prompt, token = torch.randn(1, 5, 64).bfloat16(), torch.randn(1, 1, 64).bfloat16()
    assert torch.equal(packed(prompt), source(prompt))
    assert packed(token).shape == source(token).shape
    assert relative_error(packed(token), source(token)) < 0.02


def test_quantized_rows_are_within_half_a_step_of_the_weights() -> None:
    weight = torch.randn(20_000, 8) * torch.logspace(-3, 1, 20_000)[:, None]
    weight[5] = 0
    rows, scales = quantize_rows(weight)
    steps = (rows.float() * scales.float()[:, None] - weight).abs() / scales.float()[:, None]
    # The largest weight of a row may lie half a step further out, where its scale was rounded down.
    assert float(steps.max()) < 1.01
    assert float((steps > 0.5001).float().mean()) < 0.07


@pytest.mark.parametrize("bias", [False, True])
@torch.inference_mode()
def test_the_refined_head_is_exact_near_the_best_tokens(bias: bool) -> None:
    source = a_linear(bias, outputs=5000)
    source.weight *= 20
    head = RefinedHead(source)
    for _ in range(20):
        hidden = torch.randn(1, 3, 64) * torch.tensor([1.0, 0.3, 3.0])[None, :, None]
        for exact, found in zip(source(hidden)[0], head(hidden)[0], strict=True):
            best = (exact > exact.max() - 4).nonzero().flatten()
            assert torch.allclose(found[best], exact[best], atol=1e-3)
            assert int(found.argmax()) == int(exact.argmax())
        alone = head(hidden[:, :1])[0, 0]
        assert relative_error(alone, source(hidden)[0, 0]) < 0.05


@pytest.mark.parametrize("kind", [Gemma3RMSNorm, LlamaRMSNorm])
@torch.inference_mode()
def test_norms_of_both_families_are_fused(kind: type[nn.Module]) -> None:
    network = nn.Sequential(kind(32, eps=1e-6))
    network[0].weight.copy_(torch.linspace(-1, 2, 32))
    rows = torch.randn(1, 4, 32) * 10
    expected = network(rows)
    fuse_norms(network)
    assert type(network[0]) is nn.RMSNorm
    assert torch.allclose(network(rows), expected, atol=1e-4)


class OddRMSNorm(nn.Module):
    """Not what its name says."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(8)), 1e-6

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * self.weight + 1


def test_a_norm_that_computes_something_else_stays() -> None:
    network = nn.Sequential(OddRMSNorm())
    fuse_norms(network)
    assert type(network[0]) is OddRMSNorm


@pytest.mark.parametrize("new", [1, 3, 8])
@pytest.mark.parametrize("window", [None, 4, 100])
@torch.inference_mode()
def test_grouped_attention_is_attention(new: int, window: int | None) -> None:
    torch.manual_seed(1)
    seen, heads, groups, size = 12, 6, 2, 16
    query = torch.randn(1, new, heads, size).transpose(1, 2)
    key, value = torch.randn(1, groups, seen, size), torch.randn(1, groups, seen, size)
    position = torch.arange(seen - new, seen)[:, None]
    visible = torch.arange(seen)[None] <= position
    if window is not None:
        visible &= torch.arange(seen)[None] > position - window
    mask = torch.zeros(1, 1, new, seen).masked_fill(~visible, torch.finfo(torch.float32).min)
    expected = scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=0.3, enable_gqa=True)
    found, weights = grouped_attention(
        nn.Identity(), query, key, value, mask if new > 1 else None, scaling=0.3, sliding_window=window
    )
    assert weights is None
    assert torch.allclose(found, expected.transpose(1, 2), atol=1e-5)


@pytest.mark.parametrize(
    ("capabilities", "packing", "weights"),
    [
        ({"amx_bf16": True}, "int8", torch.bfloat16),
        ({"avx512_bf16": True}, "int8", torch.bfloat16),
        ({"avx2": True}, "half", "auto"),
    ],
)
def test_the_format_follows_the_processor(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], packing: str, weights: object
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert (best_precision("cpu").packing, best_precision("cpu").weights) == (packing, weights)
    assert best_precision("cuda").packing is None


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.float() - expected.float()).norm() / expected.float().norm())
