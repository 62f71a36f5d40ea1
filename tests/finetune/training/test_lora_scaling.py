"""An adapter that forgets too much is scaled down, and no further than it must be."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from peft.tuners.lora import LoraLayer

from finetune.settings import TrainSettings
from finetune.training.checkpoint import trained_parameters
from finetune.training.forgetting import scale_down
from finetune.training.network import adapted, load_base

Loss = Callable[[], tuple[float, int]]
TOKENS = 10


@pytest.fixture
def model(gemma: Path) -> PeftModel:
    made = adapted(load_base(gemma, "cpu"), TrainSettings(rank=4)).train(False)
    torch.manual_seed(0)
    for name, value in trained_parameters(made).items():
        if "lora_B" in name:
            value.data.normal_()
    return made


@pytest.fixture
def loss(model: PeftModel) -> Loss:
    """Three nats of the base; what the adapter adds grows as its square, to one nat a token."""
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]

    def size() -> float:
        return sum(float(layer.lora_B["default"].weight.detach().square().sum()) for layer in layers)

    whole = size()
    return lambda: (3.0 + (0.0 if layers[0].disable_adapters else TOKENS * size() / whole), TOKENS)


@pytest.mark.parametrize(("limit", "scale"), [(1.01, 1.0), (0.82, 0.9), (0.5, 0.7), (0.1, 0.3), (0.001, 0.3)])
def test_it_is_scaled_to_the_largest_scale_that_fits(
    model: PeftModel, loss: Loss, limit: float, scale: float
) -> None:
    before = {name: value.detach().clone() for name, value in trained_parameters(model).items()}
    assert scale_down(model, loss, limit) == scale
    for name, value in trained_parameters(model).items():
        assert torch.equal(value, before[name] * (scale if "lora_B" in name else 1.0))
