"""Ranking measures against values worked out by hand."""

import math

import pytest

from benchmarks.ranking_metrics import mean_reciprocal_rank, ndcg_at, recall_at

RANKINGS = [["a", "b", "c"], ["x", "y", "z"], ["m"]]
RELEVANT = [frozenset({"a"}), frozenset({"z"}), frozenset({"n"})]


def test_recall_counts_what_is_among_the_first_k() -> None:
    assert recall_at(1, RANKINGS, RELEVANT) == pytest.approx(1 / 3)
    assert recall_at(3, RANKINGS, RELEVANT) == pytest.approx(2 / 3)


def test_recall_of_several_relevant_passages_is_a_share() -> None:
    assert recall_at(2, [["a", "b", "c"]], [frozenset({"b", "c"})]) == 0.5


def test_reciprocal_rank_is_zero_where_nothing_was_found() -> None:
    assert mean_reciprocal_rank(RANKINGS, RELEVANT) == pytest.approx((1 + 1 / 3 + 0) / 3)


def test_ndcg_discounts_later_ranks() -> None:
    assert ndcg_at(10, RANKINGS, RELEVANT) == pytest.approx((1 + 1 / math.log2(4) + 0) / 3)


@pytest.mark.parametrize("relevant", [[], [frozenset[str]()]])
def test_a_question_without_a_relevant_passage_cannot_be_measured(relevant: list[frozenset[str]]) -> None:
    with pytest.raises(ValueError, match="relevant"):
        recall_at(1, [["a"]] if relevant else [], relevant)
