"""Measures of a ranking (Manning, Raghavan & Schütze, Introduction to Information Retrieval, chapter 8).

Each takes, for every question, the ranked ids and the set of relevant ids, and returns the mean over
the questions, in 0…1.
"""

import math
from collections.abc import Sequence

Ranking = Sequence[str]
Relevant = frozenset[str]


def recall_at(k: int, rankings: Sequence[Ranking], relevant: Sequence[Relevant]) -> float:
    """Share of the relevant ids that stand among the first k."""
    return _mean(
        [len(set(ranking[:k]) & wanted) / len(wanted) for ranking, wanted in _pairs(rankings, relevant)]
    )


def mean_reciprocal_rank(rankings: Sequence[Ranking], relevant: Sequence[Relevant]) -> float:
    """Mean of 1/rank of the first relevant id, 0 where none was found."""
    return _mean([_reciprocal(ranking, wanted) for ranking, wanted in _pairs(rankings, relevant)])


def ndcg_at(k: int, rankings: Sequence[Ranking], relevant: Sequence[Relevant]) -> float:
    """Normalised discounted cumulative gain over the first k, with gain 1 for a relevant id."""
    return _mean(
        [_gain(ranking[:k], wanted) / _ideal(k, wanted) for ranking, wanted in _pairs(rankings, relevant)]
    )


def _pairs(rankings: Sequence[Ranking], relevant: Sequence[Relevant]) -> list[tuple[Ranking, Relevant]]:
    pairs = list(zip(rankings, relevant, strict=True))
    if not pairs or any(not wanted for _, wanted in pairs):
        raise ValueError("every question needs at least one relevant id, and there must be a question")
    return pairs


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _reciprocal(ranking: Ranking, wanted: Relevant) -> float:
    return next((1 / rank for rank, found in enumerate(ranking, 1) if found in wanted), 0.0)


def _gain(ranking: Ranking, wanted: Relevant) -> float:
    return sum(1 / math.log2(rank + 1) for rank, found in enumerate(ranking, 1) if found in wanted)


def _ideal(k: int, wanted: Relevant) -> float:
    return sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(wanted)) + 1))
