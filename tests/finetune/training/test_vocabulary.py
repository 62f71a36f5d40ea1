"""Losses over some rows of logits at a time are those over all of them, and so are their gradients."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM

from finetune.training import vocabulary
from finetune.training.vocabulary import last_states, nats_of, summed
from tests.answering.generation.tiny import ARCHITECTURES, save_model

ROWS, WIDTH, TOKENS = 150, 8, 40


def test_loss_and_gradient_are_those_of_all_rows_together() -> None:
    torch.manual_seed(1)
    head = torch.nn.Linear(WIDTH, TOKENS).requires_grad_(False)
    states, targets = torch.randn(ROWS, WIDTH, requires_grad=True), torch.randint(TOKENS, (ROWS,))
    expected = functional.cross_entropy(head(states), targets, reduction="sum")
    (gradient,) = torch.autograd.grad(3 * expected, states)
    found = summed(states, head, nats_of(targets))
    (found_gradient,) = torch.autograd.grad(3 * found, states)
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    assert torch.allclose(found_gradient, gradient, atol=1e-6)


def test_no_more_rows_than_a_few_are_in_memory_at_once() -> None:
    seen: list[int] = []

    def loss(logits: torch.Tensor, _rows: slice) -> torch.Tensor:
        seen.append(len(logits))
        return logits.sum()

    summed(torch.ones(ROWS, WIDTH), torch.nn.Identity(), loss)
    assert sum(seen) == ROWS
    assert max(seen) <= vocabulary._ROWS < ROWS


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_the_head_on_the_last_states_gives_the_logits_of_the_model(architecture: str, tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(save_model(tmp_path, architecture)).requires_grad_(False)
    ids = torch.tensor([[5, 6, 7], [8, 9, 10]])
    states, head = last_states(network, input_ids=ids)
    assert torch.allclose(head(states), network(ids).logits.flatten(0, 1), atol=1e-5)
