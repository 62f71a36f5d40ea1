"""The language-model head for a few tokens: approximate for the whole vocabulary, exact where it matters."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

from answering.generation.packed_linear import quantize_rows

_MARGIN = 6.0
_MOST = 4096
# More rows than a token and its guesses are a prompt: its own format reads them at once.
_ROWS = 16
# Packing takes seconds, in which the rest of a model can be loaded.
_BESIDE = ThreadPoolExecutor(1, "pack")


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
            # torch announces that this type will go; constraints.txt holds the version that has it.
            warnings.filterwarnings("ignore", ".*quantized tensor creation.*", UserWarning)
            quantized = torch._make_per_channel_quantized_tensor(rows, scales.double(), zeros, 0)
        bias = None if source.bias is None else source.bias.detach().float()
        self._packing = _BESIDE.submit(torch.ops.quantized.linear_prepack, quantized, bias)

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002
        """[..., inputs] → [..., vocabulary] in fp32 for few rows, else in the model's own format."""
        if input.numel() > _ROWS * self.in_features:
            return super().forward(input.to(self.weight.dtype))
        rows = input.reshape(-1, self.in_features).float()
        packed = self._packing.result()
        logits: torch.Tensor = torch.ops.quantized.linear_dynamic(rows, packed, reduce_range=True)
        for row, approximate in zip(rows, logits, strict=True):
            best = _near_best(approximate)
            approximate[best] = self._exact(row, best)
        return logits.view(*input.shape[:-1], self.out_features)

    def _exact(self, row: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Logits [n] of some tokens after the hidden state `row` [inputs]."""
        logits = torch.mv(self.weight[tokens].float(), row)
        return logits if self.bias is None else logits + self.bias[tokens].float()


def _near_best(logits: torch.Tensor) -> torch.Tensor:
    """Tokens whose logit is within `_MARGIN` of the highest, the highest `_MOST` of them if they are many."""
    near = (logits >= logits.max() - _MARGIN).nonzero().flatten()
    return near if len(near) <= _MOST else logits.topk(_MOST).indices
