"""Held to its own predictions on plain text, a model forgets less and learns its replies all the same."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel

from finetune.settings import TrainSettings
from finetune.training.forgetting import PIECE, divergence, pieces_of
from finetune.training.network import adapted, load_base
from finetune.training.train import fit
from finetune.training.values import Base, Sample
from tests.finetune.training.conftest import TEXTS, encoder_of

LONG = tuple(text * 12 for text in TEXTS)
SETTINGS = TrainSettings(
    rank=4, alpha=16, learning_rate=0.02, epochs=25, samples_per_step=3, sequence_tokens=256, dev_share=0.0
)


def test_pieces_are_equally_long_stand_in_the_texts_and_are_decided_by_the_seed(gemma: Path) -> None:
    encoder = encoder_of(gemma)
    pieces = pieces_of(LONG, encoder, 20, seed=3)
    assert {len(piece) for piece in pieces} == {PIECE}
    assert all(any(encoder.decode(list(piece)).strip("\ufffd ") in text for text in LONG) for piece in pieces)
    assert pieces == pieces_of(LONG, encoder, 20, seed=3) != pieces_of(LONG, encoder, 20, seed=4)


@pytest.mark.parametrize("texts", [(), (" \n",), ("too short",)])
def test_where_there_is_no_text_nothing_is_kept(gemma: Path, texts: tuple[str, ...]) -> None:
    assert pieces_of(texts, encoder_of(gemma), 5, seed=0) == ()


def test_a_fresh_adapter_diverges_from_nothing_and_a_changed_one_does(gemma: Path) -> None:
    pieces = pieces_of(LONG, encoder_of(gemma), 4, seed=0)
    model = adapted(load_base(gemma, "cpu"), SETTINGS)
    assert float(divergence(model, model.get_base_model(), pieces).detach()) == pytest.approx(0, abs=1e-4)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    changed = divergence(model, model.get_base_model(), pieces)
    assert float(changed.detach()) > 0.1
    changed.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None for n, p in model.named_parameters() if "lora_" not in n)


def test_it_learns_its_replies_and_stays_nearer_to_the_base(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    pieces = pieces_of(LONG, encoder_of(gemma), 8, seed=9)

    def trained(weight: float) -> tuple[float, float]:
        settings = SETTINGS.model_copy(update={"kl_weight": weight, "forget_limit": 10.0})
        model, _, made = fit(samples, Base(gemma, "tiny"), settings, tmp_path / f"{weight}", texts=LONG)
        return made.curve[-1].loss / made.curve[0].loss, _divergence(model, pieces)

    (free_loss, free), (kept_loss, kept) = trained(0.0), trained(2.0)
    assert kept < free / 2
    assert free_loss < 0.85 and kept_loss < 0.9


def _divergence(model: PeftModel, pieces: tuple[tuple[int, ...], ...]) -> float:
    with torch.no_grad():
        return float(divergence(model, model.get_base_model(), pieces))


def test_it_continues_after_a_kill_only_with_the_same_text(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    settings = SETTINGS.model_copy(update={"epochs": 2})
    steps: list[int] = []
    for texts in (LONG, LONG, LONG[:1]):
        fit(
            samples,
            Base(gemma, "tiny"),
            settings,
            tmp_path,
            progress=lambda p: steps.append(p.step),
            texts=texts,
        )
    assert steps.count(1) == 2
