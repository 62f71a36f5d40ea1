"""An adapter that changes plain text too much is scaled down, and no further than it must be."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel

from finetune.training.checkpoint import trained_parameters
from finetune.training.keeping import PIECE, divergence, pieces_of
from finetune.training.network import adapted, load_base
from finetune.training.rows import Tokens
from finetune.training.shrinking import shrink
from finetune.training.values import TrainSettings
from tests.finetune.training.conftest import TEXTS, encoder_of


@pytest.fixture
def pieces(gemma: Path) -> tuple[Tokens, ...]:
    return pieces_of([text * 12 for text in TEXTS], encoder_of(gemma), 6, seed=0)


@pytest.fixture
def model(gemma: Path) -> PeftModel:
    made = adapted(load_base(gemma, "cpu"), TrainSettings(rank=4)).train(False)
    torch.manual_seed(0)
    for name, value in trained_parameters(made).items():
        if "lora_B" in name:
            value.data.normal_(std=0.05)
    return made


@torch.no_grad()
def change(model: PeftModel, pieces: tuple[Tokens, ...]) -> float:
    return float(divergence(model, pieces)) / (len(pieces) * PIECE)


def test_it_is_scaled_to_the_largest_scale_that_fits(model: PeftModel, pieces: tuple[Tokens, ...]) -> None:
    before = {name: value.detach().clone() for name, value in trained_parameters(model).items()}
    limit = change(model, pieces) / 2
    scale = shrink(model, pieces, limit)
    assert 0.3 < scale < 1.0
    assert change(model, pieces) <= limit
    for name, value in trained_parameters(model).items():
        assert torch.equal(value, before[name] * (scale if "lora_B" in name else 1.0))
        value.data.copy_(before[name] * (scale + 0.1 if "lora_B" in name else 1.0))
    assert change(model, pieces) > limit


def test_what_fits_stays_as_it_is(model: PeftModel, pieces: tuple[Tokens, ...]) -> None:
    before = change(model, pieces)
    assert shrink(model, pieces, before + 1e-3) == 1.0
    assert change(model, pieces) == pytest.approx(before)
    assert shrink(model, (), 1e-9) == 1.0


def test_the_least_scale_is_kept_where_none_fits(model: PeftModel, pieces: tuple[Tokens, ...]) -> None:
    assert shrink(model, pieces, 1e-9) == 0.3
    assert change(model, pieces) > 0
