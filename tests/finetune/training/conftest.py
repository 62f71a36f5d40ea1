"""Tiny models and a handful of samples."""

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from answering.generation.encoding import Encoder
from finetune.training.values import Sample
from retrieval.prompt import refusal, render
from tests.answering.generation.conftest import Maker, gemma, tiny

# The tiny models are those that generation is tested with.
__all__ = ["Maker", "encoder_of", "gemma", "samples", "tiny"]

TEXTS = (
    "The platinum card costs 680 yuan a year.",
    "The gold card costs 200 yuan a year, or nothing after 12 purchases.",
    "白金卡年费为680元。",
)


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
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, and little general text."""
    torch.set_num_threads(1)
    monkeypatch.setattr("finetune.training.train.general_texts", lambda use, language: ["It rains."])
