"""Intervals: laws that every bootstrap must keep, and values known by other means."""

import random

import numpy as np
import pytest
import scipy.stats  # noqa: F401 - takes a second to load, which no example should pay for
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.bootstrap import mean_interval, paired_gain
from knowledge_base.errors import InputError

FEW = 300  # resamples, enough for a law
scores = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40)


@given(scores)
def test_the_interval_holds_the_mean_and_stays_within_the_values(values: list[float]) -> None:
    found = mean_interval(values, resamples=FEW)
    assert found.low <= found.mean <= found.high
    assert found.count == len(values)
    assert min(values) - 1e-9 <= found.low
    assert found.high <= max(values) + 1e-9


@given(scores)
def test_identical_systems_gain_nothing(values: list[float]) -> None:
    found = paired_gain(values, values, resamples=FEW)
    assert (found.low, found.mean, found.high) == (0.0, 0.0, 0.0)


@given(scores, st.floats(-2, 2))
def test_a_shift_moves_mean_and_interval(values: list[float], shift: float) -> None:
    before = mean_interval(values, resamples=FEW)
    after = mean_interval([value + shift for value in values], resamples=FEW)
    assert after.mean == pytest.approx(before.mean + shift, abs=1e-6)
    assert after.low == pytest.approx(before.low + shift, abs=1e-6)
    assert after.high == pytest.approx(before.high + shift, abs=1e-6)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30), st.integers(0, 9))
def test_the_order_of_pairs_does_not_matter(pairs: list[tuple[float, float]], seed: int) -> None:
    mixed = random.Random(seed).sample(pairs, len(pairs))
    first = paired_gain([one for one, _ in pairs], [other for _, other in pairs], resamples=FEW)
    second = paired_gain([one for one, _ in mixed], [other for _, other in mixed], resamples=FEW)
    assert first == second


@given(scores)
def test_more_confidence_is_a_wider_interval(values: list[float]) -> None:
    narrow = mean_interval(values, confidence=0.5, resamples=FEW)
    wide = mean_interval(values, confidence=0.99, resamples=FEW)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


def test_the_gain_of_one_is_the_loss_of_the_other() -> None:
    draw = np.random.default_rng(3)
    one, other = draw.random(80).tolist(), draw.random(80).tolist()
    gain, loss = paired_gain(one, other), paired_gain(other, one)
    assert gain.mean == pytest.approx(-loss.mean)
    assert gain.low == pytest.approx(-loss.high, abs=0.01)


def test_the_interval_agrees_with_the_normal_one_for_many_values() -> None:
    values = np.random.default_rng(1).random(2000)
    found = mean_interval(values.tolist())
    half = 1.96 * values.std() / len(values) ** 0.5
    assert found.low == pytest.approx(values.mean() - half, abs=0.002)
    assert found.high == pytest.approx(values.mean() + half, abs=0.002)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    draw = np.random.default_rng(7)
    samples = (draw.random(60) < 0.6 for _ in range(200))
    found = [mean_interval(sample.astype(float).tolist(), resamples=500) for sample in samples]
    assert 0.88 <= np.mean([entry.low <= 0.6 <= entry.high for entry in found]) <= 0.99


def test_a_seed_gives_the_same_interval_again() -> None:
    values = np.random.default_rng(2).random(50).tolist()
    assert mean_interval(values, seed=5) == mean_interval(values, seed=5)
    assert mean_interval(values, seed=5) != mean_interval(values, seed=6)


def test_questions_that_are_hard_for_both_cancel_out() -> None:
    hard = np.random.default_rng(4).random(50)
    gain = paired_gain((hard + 0.02).tolist(), hard.tolist())
    assert gain.low > 0


@pytest.mark.parametrize("values", [[], [0.5, float("nan")], [float("inf")]])
def test_what_has_no_mean_is_refused(values: list[float]) -> None:
    with pytest.raises(InputError, match="mean"):
        mean_interval(values)


@pytest.mark.parametrize(("confidence", "resamples"), [(0.0, 10), (1.0, 10), (0.95, 0)])
def test_an_interval_that_makes_no_sense_is_refused(confidence: float, resamples: int) -> None:
    with pytest.raises(InputError, match="confidence"):
        mean_interval([0.5], confidence, resamples)


def test_scores_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InputError, match="paired"):
        paired_gain([0.1, 0.2], [0.1])
