"""Losses over a large vocabulary, some rows at a time: the logits of all rows are never in memory together.

A row of Gemma 3's logits takes a megabyte, and a loss keeps several copies of it for its gradient. So the
gradient with respect to the hidden states is computed together with the loss of the same rows, and the logits
go before those of the next rows come. After Liger Kernel's fused linear cross-entropy (arXiv:2410.10989).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

# Logits [rows, vocabulary] of some rows, and which rows these are, to a scalar.
RowLoss = Callable[[torch.Tensor, slice], torch.Tensor]

_ROWS = 64  # fewer would read the weights of the head more often than their products take
# Architectures whose logits are the output embedding of the last hidden state and nothing more.
_PLAIN_HEAD = frozenset({"gemma3_text", "llama", "mistral", "qwen2", "qwen3"})


def last_states(network: PreTrainedModel, **inputs: Any) -> tuple[torch.Tensor, nn.Module]:  # noqa: ANN401
    """The last hidden states [texts * tokens, width] of a network, and the head that makes logits of them."""
    if network.config.model_type not in _PLAIN_HEAD:
        return network(use_cache=False, **inputs).logits.flatten(0, 1), nn.Identity()
    states = network.base_model(use_cache=False, **inputs).last_hidden_state
    head: nn.Module = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    return states.flatten(0, 1), head


def summed(states: torch.Tensor, head: nn.Module, loss: RowLoss) -> torch.Tensor:
    """The sum of `loss` over all rows of `states`: a scalar with its gradient."""
    total: torch.Tensor = _Summed.apply(states, head, loss)  # type: ignore[no-untyped-call]
    return total


def nats_of(targets: torch.Tensor) -> RowLoss:
    """The cross-entropy of rows with the tokens [rows] that come next, in nats."""
    return lambda logits, rows: functional.cross_entropy(logits, targets[rows], reduction="sum")


class _Summed(torch.autograd.Function):
    """The sum of a loss over rows; its gradient is computed in the forward pass."""

    @staticmethod
    def forward(ctx: Any, states: torch.Tensor, head: nn.Module, loss: RowLoss) -> torch.Tensor:  # noqa: ANN401
        """Scalar sum over `states` [rows, width]."""
        total = torch.zeros((), device=states.device)
        wanted = ctx.needs_input_grad[0]
        gradient = torch.empty_like(states) if wanted else None
        for start in range(0, len(states), _ROWS):
            part = slice(start, start + _ROWS)
            with torch.set_grad_enabled(wanted):
                rows = states[part].detach().requires_grad_(wanted)
                value = loss(head(rows).float(), part)
            if gradient is not None:
                (gradient[part],) = torch.autograd.grad(value, rows)
            total += value.detach()
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, outer: torch.Tensor) -> tuple[torch.Tensor, None, None]:  # noqa: ANN401
        """The gradient of the states."""
        (gradient,) = ctx.saved_tensors
        return gradient * outer, None, None
