"""A tiny base, an adapter that does nothing, and a trainer that only copies it."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from finetune.settings import TrainSettings
from finetune.training.train import ADAPTER
from finetune.training.values import Base, OnProgress, Point, Progress, Sample, Trained
from tests.answering.generation.tiny import save_model
from tests.finetune.retrain.fake_pipeline import FakePipeline, a_pipeline

STEPS = 3


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model."""
    return save_model(tmp_path_factory.mktemp("base"), "llama")


@pytest.fixture(scope="session")
def untrained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes nothing, so that nothing is forgotten."""
    folder = tmp_path_factory.mktemp("untrained")
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(str(folder))
    return folder


class Trainings(list[int]):
    """The number of samples of each training; `starts` are the adapters that they went on from."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[Path | None] = []


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch, untrained: Path) -> Trainings:
    """Training takes no time: it copies an adapter."""
    done = Trainings()

    def train(
        samples: Sequence[Sample],
        base: Base,
        settings: TrainSettings,
        folder: Path,
        progress: OnProgress,
        texts: Sequence[str],
    ) -> Trained:
        assert all(texts)
        for step in range(1, STEPS + 1):
            progress(Progress(step, STEPS, 1 / step, 1.5 / step, 100.0, float(STEPS - step)))
        shutil.copytree(untrained, folder / ADAPTER, dirs_exist_ok=True)
        done.append(len(samples))
        done.starts.append(base.start)
        curve = tuple(Point(step, 1 / step, 1.5 / step) for step in range(1, STEPS + 1))
        return Trained(curve, 0.5, STEPS, 1.0, ())

    monkeypatch.setattr("finetune.retrain.retraining.train", train)
    monkeypatch.setattr(
        "finetune.evaluation.forgetting.general_texts", lambda use, language: ["A sentence about weather."]
    )
    return done


@pytest.fixture
def make(base: Path) -> Callable[..., FakePipeline]:
    """Pipelines over the tiny base."""
    return lambda good=True, registry=None: a_pipeline(base, good, registry)
