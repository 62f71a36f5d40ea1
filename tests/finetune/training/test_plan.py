"""What is learned in which step."""

from collections import Counter
from pathlib import Path

import pytest

from finetune.settings import TrainSettings
from finetune.training.plan import plan_of
from finetune.training.values import Sample
from retrieval.prompt import render
from tests.finetune.training.conftest import encoder_of


@pytest.mark.parametrize("wanted", [1, 4, 10])
def test_a_step_holds_about_as_many_samples_as_wanted(gemma: Path, wanted: int) -> None:
    samples = [
        Sample(
            render(f"Question {question}?", [f"Text number {text} is here."]), "Yes.", f"{text}-{question}"
        )
        for text in range(20)
        for question in range(1 + text % 4)
    ]
    settings = TrainSettings(samples_per_step=wanted, dev_share=0.0, sequence_tokens=200, epochs=2)
    steps = plan_of(samples, encoder_of(gemma), settings).steps
    counts = [sum(len(tree.samples) for row in step for tree in row) for step in steps]
    largest_row = max(sum(len(tree.samples) for tree in row) for step in steps for row in step)
    assert sum(counts) == 2 * len(samples)
    *whole, _last = counts
    off = Counter(abs(count - wanted) <= max(largest_row / 2, largest_row - wanted) for count in whole)
    assert off[False] <= 1, counts  # the last step of the first epoch holds what is left
