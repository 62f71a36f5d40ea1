"""Tiny models and a handful of samples."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from finetune.encoding import Encoder
from finetune.training.values import Sample
from retrieval.prompt import refusal, render
from tests.app.generation.tiny import save_model

Maker = Callable[[str], Path]
TEXTS = (
    "The platinum card costs 680 yuan a year.",
    "The gold card costs 200 yuan a year, or nothing after 12 purchases.",
    "白金卡年费为680元。",
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """The folder of a tiny model of a named architecture, made when first asked for."""
    made: dict[str, Path] = {}

    def folder(architecture: str) -> Path:
        if architecture not in made:
            made[architecture] = save_model(tmp_path_factory.mktemp(architecture), architecture)
        return made[architecture]

    return folder


@pytest.fixture(scope="session")
def gemma(tiny: Maker) -> Path:
    """A tiny Gemma 3: sliding windows of 24 tokens, a full layer, tied embeddings, one key head."""
    return tiny("gemma3_text")


@pytest.fixture
def samples() -> tuple[Sample, ...]:
    """Three questions of each text, one of them to be refused."""
    asked = (("What does it cost?", "680 yuan"), ("白金卡的年费是多少？", "680元"), ("Who?", refusal("en")))
    return tuple(
        Sample(render(question, [text]), reply, pair=f"{place}-{number}")
        for place, text in enumerate(TEXTS)
        for number, (question, reply) in enumerate(asked)
    )


def encoder_of(folder: Path) -> Encoder:
    """The encoder of a model folder."""
    return Encoder(AutoTokenizer.from_pretrained(folder), 1024)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
