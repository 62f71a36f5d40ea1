"""An adapter that forgets too much is scaled down, and no further than it must be."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from finetune.training.checkpoint import trained_parameters
from finetune.training.network import adapted, load_base
from finetune.training.shrinking import shrink
from finetune.training.text_loss import text_loss
from finetune.training.values import TrainSettings
from tests.finetune.training.conftest import TEXTS, encoder_of

Loss = Callable[[], tuple[float, int]]


@pytest.fixture
def model(gemma: Path) -> PeftModel:
    made = adapted(load_base(gemma, "cpu"), TrainSettings(rank=4)).train(False)
    torch.manual_seed(0)
    for name, value in trained_parameters(made).items():
        if "lora_B" in name:
            value.data.normal_(std=0.5)
    return made


@pytest.fixture
def loss(model: PeftModel, gemma: Path) -> Loss:
    encoder = encoder_of(gemma)
    return lambda: text_loss(model, encoder, TEXTS)


def rise(model: PeftModel, loss: Loss) -> float:
    with model.disable_adapter():
        base, tokens = loss()
    return (loss()[0] - base) / tokens


def test_it_is_scaled_to_the_largest_scale_that_fits(model: PeftModel, loss: Loss) -> None:
    before = {name: value.detach().clone() for name, value in trained_parameters(model).items()}
    limit = rise(model, loss) / 2
    assert limit > 0
    scale = shrink(model, loss, limit)
    assert 0.3 < scale < 1.0
    assert rise(model, loss) <= limit
    for name, value in trained_parameters(model).items():
        assert torch.equal(value, before[name] * (scale if "lora_B" in name else 1.0))
        value.data.copy_(before[name] * (scale + 0.1 if "lora_B" in name else 1.0))
    assert rise(model, loss) > limit


def test_what_fits_stays_as_it_is(model: PeftModel, loss: Loss) -> None:
    before = rise(model, loss)
    assert shrink(model, loss, before + 1e-3) == 1.0
    assert rise(model, loss) == pytest.approx(before)


def test_the_least_scale_is_kept_where_none_fits(model: PeftModel, loss: Loss) -> None:
    assert shrink(model, loss, -math.inf) == 0.3


def test_the_loss_is_that_of_every_token_but_the_first(model: PeftModel, gemma: Path) -> None:
    encoder = encoder_of(gemma)
    ids = torch.tensor([encoder.text(TEXTS[0])])
    labelled = model(input_ids=ids, labels=ids).loss
    nats, tokens = text_loss(model, encoder, TEXTS[:1])
    assert tokens == ids.shape[1] - 1
    assert nats / tokens == pytest.approx(float(labelled), rel=1e-5)
