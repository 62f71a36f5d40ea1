"""What would fail only after hours is found before anything heavy."""

from pathlib import Path

import pytest

from finetune.retrain.retraining import check_adapter
from finetune.settings import TrainSettings
from finetune.training.values import Base
from knowledge_base.errors import InputError, ModelError


def test_an_adapter_that_fits(base: Path) -> None:
    settings = TrainSettings(rank=4, targets=("q_proj",))
    assert check_adapter(Base(base, "tiny"), settings) is None


def test_a_rank_that_is_larger_than_the_layer(base: Path) -> None:
    with pytest.raises(InputError, match=r"rank 400 is larger.*32 or less"):
        check_adapter(Base(base, "tiny"), TrainSettings(rank=400))


def test_layers_that_the_model_lacks(base: Path) -> None:
    with pytest.raises(InputError, match="c_attn.*q_proj"):
        check_adapter(Base(base, "tiny"), TrainSettings(rank=4, targets=("c_attn",)))


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be adapted"):
        check_adapter(Base(tmp_path, "nothing"), TrainSettings())
