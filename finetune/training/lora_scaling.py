"""Scales a trained adapter down as far as it must be to forget no more than is allowed.

What an adapter changes is linear in its scale, what it forgets grows about with the square: a little less of
it costs much less. The choice is made on other text than the one that the gate measures.
"""

from bisect import bisect_left
from collections.abc import Callable

import torch
from peft import PeftModel

from finetune.training.checkpoint import trained_parameters

_SCALES = tuple(tenth / 10 for tenth in range(10, 2, -1))


def scale_down(model: PeftModel, loss: Callable[[], tuple[float, int]], limit: float) -> float:
    """The largest scale of 1.0, 0.9 … 0.3 at which the loss rises within `limit`; the weights get it.

    Args:
        model: base and adapter, not in training.
        loss: what the model, as it is when this is called, loses on general text: the sum in nats over all
            predicted tokens, and how many they are.
        limit: nats a token by which it may lose more than the base. Where even 0.3 is too much, 0.3 it is:
            the gate will judge.
    """
    parts = {name: value for name, value in trained_parameters(model).items() if "lora_B" in name}
    whole = {name: value.detach().clone() for name, value in parts.items()}
    with model.disable_adapter():
        base, tokens = loss()

    @torch.no_grad()
    def scale_to(scale: float) -> None:
        for name, value in parts.items():
            value.copy_(whole[name] * scale)

    def fits(scale: float) -> bool:
        scale_to(scale)
        return loss()[0] - base <= limit * tokens

    place = min(bisect_left(_SCALES, True, key=fits), len(_SCALES) - 1)
    scale_to(_SCALES[place])
    return _SCALES[place]
