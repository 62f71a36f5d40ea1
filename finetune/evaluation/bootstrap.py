"""Confidence intervals of a mean, or of the difference of two, by the percentile bootstrap.

The interval of a mean resamples the values (Efron & Tibshirani 1993, An Introduction to the Bootstrap,
chapter 13). Two systems that answered the same questions are compared pair by pair, so that questions that
are hard for both cancel out (Koehn 2004, Statistical significance tests for machine translation
evaluation). Deterministic by seed, whatever the order of the values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge_base.errors import InputError

CONFIDENCE = 0.95
RESAMPLES = 10_000
# Numbers drawn at once: 32 MB of indices, however many questions there are.
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of `count` values with its interval; `low <= mean <= high`."""

    mean: float
    low: float
    high: float
    count: int


def mean_interval(
    values: Sequence[float], confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The mean of `values` [n] with its two-sided percentile interval.

    Raises:
        InputError: if there are no values, one is not a number, or confidence or resamples make no sense.
    """
    from scipy.stats import bootstrap

    given = np.sort(np.asarray(values, dtype=np.float64))
    if not len(given) or not np.isfinite(given).all():
        raise InputError(f"{len(given)} values have no mean.", "Give at least one, and only numbers.")
    if not 0 < confidence < 1 or resamples < 1:
        raise InputError(
            f"No interval has a confidence of {confidence} from {resamples} resamples.",
            "Give a confidence between 0 and 1, 0.95 say, and at least one resample.",
        )
    mean = float(given.mean())
    if given[0] == given[-1]:  # also of a single value, which SciPy refuses
        return Estimate(mean, mean, mean, len(given))
    found = bootstrap(
        (given,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, _BLOCK // len(given)),
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    # Of equal values the means differ by rounding.
    return Estimate(mean, min(float(found.low), mean), max(float(found.high), mean), len(given))


def paired_gain(
    one: Sequence[float],
    other: Sequence[float],
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The mean of `one[i] - other[i]` with its interval; both are scores [n] of the same questions.

    Raises:
        InputError: if they are not equally many, or there are none.
    """
    if len(one) != len(other):
        raise InputError(
            f"{len(one)} scores cannot be paired with {len(other)}.", "Score the same questions twice."
        )
    differences = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    return mean_interval(differences.tolist(), confidence, resamples, seed)
