"""Training: it learns, goes on after a kill exactly, stops in time, and refuses what cannot work."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from finetune.reasons import Reason
from finetune.settings import TrainSettings, Variant
from finetune.training import train as training
from finetune.training.checkpoint import FILE_NAME, trained_parameters
from finetune.training.saving import compare, merge, probe_of, save_adapter
from finetune.training.train import fit, train
from finetune.training.values import Base, Progress, Refused, Sample
from knowledge_base.errors import InputError, ModelError, StorageError
from retrieval.prompt import render
from tests.finetune.training.conftest import Maker

SETTINGS = TrainSettings(
    rank=4, alpha=16, learning_rate=0.02, epochs=6, samples_per_step=3, sequence_tokens=256, dev_share=0.0
)


def weights(model: PeftModel) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in trained_parameters(model).items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], tolerance: float = 0.0) -> bool:
    return one.keys() == other.keys() and all(
        torch.allclose(one[name], other[name], rtol=tolerance, atol=tolerance) for name in one
    )


def test_it_learns(gemma: Path, samples: tuple[Sample, ...], tmp_path: Path) -> None:
    seen: list[Progress] = []
    settings = SETTINGS.model_copy(update={"epochs": 25})
    _, _, trained = fit(samples, Base(gemma, "tiny"), settings, tmp_path, progress=seen.append)
    assert trained.curve[-1].loss < 0.85 * trained.curve[0].loss
    assert [entry.step for entry in seen] == list(range(1, trained.steps + 1))
    assert seen[-1].seconds_left == 0 and seen[0].steps == trained.steps


def test_it_continues_after_a_kill_exactly(gemma: Path, samples: tuple[Sample, ...], tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"dropout": 0.2, "dev_share": 0.2, "checkpoint_seconds": 0.0})

    def killed_at_seven(progress: Progress) -> None:
        if progress.step == 7:
            raise KeyboardInterrupt

    base = Base(gemma, "tiny")
    whole, _, _ = fit(samples, base, settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(samples, base, settings, tmp_path / "killed", progress=killed_at_seven)
    steps: list[int] = []
    resumed, _, _ = fit(samples, base, settings, tmp_path / "killed", progress=lambda p: steps.append(p.step))
    assert steps[0] == 7
    assert same(weights(whole), weights(resumed))


def test_it_continues_from_an_adapter_with_its_rank(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    first, _, _ = fit(
        samples, Base(gemma, "tiny"), SETTINGS.model_copy(update={"epochs": 25}), tmp_path / "first"
    )
    save_adapter(first, "tiny", tmp_path / "adapter")
    base = Base(gemma, "tiny", start=tmp_path / "adapter")
    settings = SETTINGS.model_copy(update={"rank": 8, "epochs": 2})
    second, _, trained = fit(samples, base, settings, tmp_path / "second")
    _, _, fresh = fit(samples, Base(gemma, "tiny"), settings, tmp_path / "second")
    assert trained.curve[0].loss < 0.9 * fresh.curve[0].loss
    assert second.peft_config["default"].r == 4
    assert fresh.steps == trained.steps, "a fresh one does not take the checkpoint of the other"


def test_an_adapter_of_another_model_cannot_be_gone_on_from(
    tiny: Maker, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    other, _, _ = fit(samples, Base(tiny("gpt2"), "other"), SETTINGS, tmp_path / "first")
    save_adapter(other, "other", tmp_path / "adapter")
    base = Base(tiny("qwen3"), "tiny", start=tmp_path / "adapter")
    with pytest.raises(ModelError, match="cannot continue from"):
        fit(samples, base, SETTINGS, tmp_path / "second")


@pytest.mark.parametrize("damage", [b"", b"not safetensors", None])
def test_a_damaged_checkpoint_starts_again(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path, damage: bytes | None
) -> None:
    base = Base(gemma, "tiny")
    first, _, _ = fit(samples, base, SETTINGS, tmp_path)
    file = tmp_path / FILE_NAME
    file.write_bytes(file.read_bytes()[:-100] if damage is None else damage)
    again, _, _ = fit(samples, base, SETTINGS, tmp_path)
    assert same(weights(first), weights(again))


def test_a_checkpoint_of_other_samples_is_not_used(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    base = Base(gemma, "tiny")
    fit(samples, base, SETTINGS, tmp_path)
    steps: list[int] = []
    fit(samples[:6], base, SETTINGS, tmp_path, progress=lambda p: steps.append(p.step))
    assert steps[0] == 1


def test_it_stops_when_the_samples_held_back_get_worse(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    settings = TrainSettings(
        rank=8,
        learning_rate=0.3,
        epochs=40,
        samples_per_step=3,
        sequence_tokens=256,
        dev_share=0.3,
        patience=2,
    )
    _, plan, trained = fit(samples, Base(gemma, "tiny"), settings, tmp_path)
    measured = [point.dev_loss for point in trained.curve if point.dev_loss is not None]
    assert trained.steps < len(plan.steps)
    assert trained.best_loss == min(measured)
    assert min(measured) not in measured[-2:]


def test_what_is_saved_is_an_ordinary_folder_verified_by_another_process(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    train(samples, Base(gemma, "tiny-gemma"), SETTINGS, tmp_path)
    folder = tmp_path / "adapter"
    assert {file.name for file in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    told = (folder / "adapter_config.json").read_text()
    assert '"tiny-gemma"' in told and str(gemma) not in told
    assert not (tmp_path / "probe.json").exists()


@pytest.mark.parametrize(
    ("architecture", "variant"),
    [("gemma3_text", "rslora"), ("gemma3_text", "dora"), ("gpt2", "lora"), ("qwen3", "lora")],
)
def test_every_kind_of_adapter_comes_back_as_it_was(
    tiny: Maker, samples: tuple[Sample, ...], tmp_path: Path, architecture: str, variant: Variant
) -> None:
    """GPT-2 keeps its linear layers in a class of their own."""
    settings = TrainSettings(rank=4, learning_rate=0.02, epochs=2, dev_share=0.0, variant=variant)
    model, plan, _ = fit(samples, Base(tiny(architecture), architecture), settings, tmp_path)
    save_adapter(model, architecture, tmp_path / "adapter")
    probe = probe_of(model, tiny(architecture), tmp_path / "adapter", plan.steps[0][0][0].samples[0].prompt)
    compare(probe)
    with pytest.raises(ValueError, match="away from those in memory"):
        compare(replace(probe, adapted=tuple(value + 1 for value in probe.adapted)))
    with pytest.raises(ValueError, match="answers like the base"):
        compare(replace(probe, plain=probe.adapted))


@pytest.mark.heavy
def test_a_merged_model_says_what_base_and_adapter_say(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    model, plan, _ = fit(samples, Base(gemma, "tiny"), SETTINGS, tmp_path)
    save_adapter(model, "tiny", tmp_path / "adapter")
    ids = plan.steps[0][0][0].samples[0].prompt
    merge(gemma, tmp_path / "adapter", tmp_path / "merged")
    compare(probe_of(model, tmp_path / "merged", None, ids))
    assert (tmp_path / "merged" / "tokenizer.json").is_file()
    assert not list(tmp_path.glob(".merged-*"))
    with pytest.raises(InputError, match="already exists"):
        merge(gemma, tmp_path / "adapter", tmp_path / "merged")


@pytest.mark.heavy
def test_an_adapter_that_does_not_come_back_is_an_error(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The classic: weights under names that the loader does not know."""

    def misnamed(model: PeftModel, base_id: str, folder: Path) -> None:
        real(model, base_id, folder)
        from safetensors.torch import load_file, save_file

        file = folder / "adapter_model.safetensors"
        save_file({name.replace("q_proj", "query"): v for name, v in load_file(file).items()}, file)

    real = training.save_adapter
    monkeypatch.setattr(training, "save_adapter", misnamed)
    with pytest.raises(ModelError, match="have no place in the model"):
        train(samples, Base(gemma, "tiny"), SETTINGS, tmp_path)


def test_wrong_layers_are_named_with_the_right_ones(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    settings = TrainSettings(rank=4, targets=("c_attn", "q_proj"))
    with pytest.raises(InputError, match=r"named c_attn.*down_proj, gate_proj, k_proj"):
        fit(samples, Base(gemma, "tiny"), settings, tmp_path)


def test_a_rank_larger_than_a_layer_is_refused(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"rank 64 is larger.*smaller side is 16"):
        fit(samples, Base(gemma, "tiny"), TrainSettings(rank=64), tmp_path)


def test_a_reply_that_would_be_cut_is_refused_and_named(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    long = Sample(render("What?", ["fee " * 1100]), "680 yuan", pair="long")
    _, _, trained = fit((*samples, long), Base(gemma, "tiny", 1024), SETTINGS, tmp_path)
    (refused,) = trained.refused
    assert refused == Refused("long", Reason("beyond_context", {"most": 1024}))
    with pytest.raises(InputError, match="None of the 1 samples"):
        fit((long,), Base(gemma, "tiny", 1024), SETTINGS, tmp_path)


def test_four_bits_without_cuda_say_so(gemma: Path, samples: tuple[Sample, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="4 bits needs CUDA"):
        fit(samples, Base(gemma, "tiny"), TrainSettings(four_bit=True), tmp_path)


def test_a_folder_that_cannot_be_made_is_named(
    gemma: Path, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be created"):
        fit(samples, Base(gemma, "tiny"), SETTINGS, tmp_path / "file" / "run")
