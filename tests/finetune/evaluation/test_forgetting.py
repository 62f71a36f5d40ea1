"""Forgetting: the rise of the loss."""

from collections.abc import Sequence

import pytest

from finetune.evaluation.forgetting import (
    Forgetting,
    Loss,
    Losses,
    measure_forgetting,
)
from knowledge_base.errors import InputError, MismatchError
from retrieval.prompt import LANGUAGES


def losing(each: float, extra: int = 0) -> Loss:
    """A loss of so many nats for every character."""

    def loss(texts: Sequence[str]) -> tuple[float, int]:
        tokens = sum(map(len, texts)) + extra
        return each * tokens, tokens

    return loss


def test_the_rise_is_that_of_the_mean() -> None:
    found = measure_forgetting(losing(3.0), losing(3.2))
    assert set(found.by_language) == set(LANGUAGES)
    assert found.rise == pytest.approx(0.2)
    assert all(losses.rise == pytest.approx(0.2) for losses in found.by_language.values())


def test_an_adapter_that_does_nothing_forgets_nothing() -> None:
    assert measure_forgetting(losing(3.0), losing(3.0)).rise == 0.0


def test_every_token_counts_once() -> None:
    found = Forgetting({"en": Losses(3.0, 3.1, 300), "zh": Losses(4.0, 4.5, 100)})
    assert found.overall.tokens == 400
    assert found.overall.base == pytest.approx(3.25)
    assert found.rise == pytest.approx((0.1 * 300 + 0.5 * 100) / 400)


def test_another_tokenizer_cannot_be_compared() -> None:
    with pytest.raises(MismatchError, match="tokens"):
        measure_forgetting(losing(3.0), losing(3.0, extra=1))


def test_a_loss_that_reads_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no tokens"):
        measure_forgetting(lambda texts: (0.0, 0), lambda texts: (0.0, 0))
