"""Scales a trained adapter down as far as it must be to forget no more than is allowed.

What an adapter changes is linear in its scale, what it forgets grows about with the square: a little less of
it costs much less. The choice is made on text of the documents, never on the text that the gate measures.
"""

from bisect import bisect_left
from collections.abc import Sequence

import torch
from peft import PeftModel

from finetune.training.checkpoint import trained_parameters
from finetune.training.keeping import PIECE, divergence
from finetune.training.rows import Tokens

_SCALES = tuple(tenth / 10 for tenth in range(10, 2, -1))
_AT_ONCE = 4


def shrink(model: PeftModel, pieces: Sequence[Tokens], limit: float) -> float:
    """The largest scale of 1.0, 0.9 … 0.3 that keeps the divergence within `limit`, which the weights get.

    Args:
        model: base and adapter, not in training.
        pieces: plain text on which it was not held, each of 32 tokens; without any nothing is changed.
        limit: nats a token. Where even 0.3 is too much, 0.3 it is: the gate will judge.
    """
    if not pieces:
        return 1.0
    parts = {name: value for name, value in trained_parameters(model).items() if "lora_B" in name}
    whole = {name: value.detach().clone() for name, value in parts.items()}

    @torch.no_grad()
    def fits(scale: float) -> bool:
        for name, value in parts.items():
            value.copy_(whole[name] * scale)
        return _change(model, pieces) <= limit * len(pieces) * PIECE

    place = min(bisect_left(_SCALES, True, key=fits), len(_SCALES) - 1)
    for name, value in parts.items():
        value.data.copy_(whole[name] * _SCALES[place])
    return _SCALES[place]


def _change(model: PeftModel, pieces: Sequence[Tokens]) -> float:
    """The divergence over all pieces, some at a time: a vocabulary's worth of logits a token fills memory."""
    parts = (pieces[start : start + _AT_ONCE] for start in range(0, len(pieces), _AT_ONCE))
    return sum(float(divergence(model, part)) for part in parts)
