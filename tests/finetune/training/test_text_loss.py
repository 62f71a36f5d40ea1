"""The loss on plain text, with an adapter and without."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from finetune.training.forgetting import TextLosses
from finetune.training.values import Base
from tests.answering.generation.tiny import save_adapter
from tests.finetune.training.conftest import TEXTS, encoder_of


def test_every_token_but_the_first_of_each_text_counts(gemma: Path, tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(gemma)
    expected, count = 0.0, 0
    with torch.no_grad():
        for text in TEXTS:
            ids = torch.tensor([encoder_of(gemma).text(text)])
            count += ids.shape[1] - 1
            expected += float(network(input_ids=ids, labels=ids).loss) * (ids.shape[1] - 1)
    losses = TextLosses(Base(gemma, "tiny"), save_adapter(tmp_path / "adapter", gemma))
    assert losses.of_base(TEXTS) == (pytest.approx(expected, rel=1e-5), count)
    changed, tokens = losses.of_adapted(TEXTS)
    assert tokens == count
    assert abs(changed - expected) > 0.01
    assert losses.of_base(TEXTS)[0] == pytest.approx(expected, rel=1e-5)


def test_a_text_longer_than_the_model_reads_is_cut(gemma: Path, tmp_path: Path) -> None:
    losses = TextLosses(Base(gemma, "tiny", context=4), save_adapter(tmp_path / "adapter", gemma))
    assert losses.of_base(TEXTS)[1] == 3 * len(TEXTS)
