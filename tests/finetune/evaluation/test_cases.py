"""Cases made of pairs: as they are, and with their evidence taken out of the search."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.cases import Case, cases_of
from finetune.pairs.values import Evidence, Pair
from knowledge_base.errors import InputError


def pairs_of(count: int) -> list[Pair]:
    return [
        Pair(f"p{n}", f"Question {n}?", (f"{n}",), evidence=(Evidence(f"{n}.txt", f"It is {n}."),))
        for n in range(count)
    ]


def test_a_pair_becomes_a_case_and_one_without_its_evidence() -> None:
    evidence = (Evidence("a.txt", "costs 680 yuan"), Evidence("b.txt", ""))
    pair = Pair("en-1", "What does it cost?", ("680 yuan", "680"), evidence=evidence)
    asked, removed = cases_of([pair])
    assert asked == Case("en-1", "What does it cost?", ("680 yuan", "680"), evidence, "answerable", "en")
    assert (removed.question, removed.without) == ("What does it cost?", {"a.txt", "b.txt"})
    assert (removed.answers, removed.evidence, removed.kind) == ((), (), "removed")
    assert removed.id != asked.id
    assert asked.answerable
    assert not removed.answerable


def test_a_pair_that_the_documents_do_not_answer_is_asked_once() -> None:
    (case,) = cases_of([Pair("zh-1", "行长的生日是哪天？", ())])
    assert (case.kind, case.language, case.answerable) == ("unanswerable", "zh", False)


def test_evidence_that_is_not_named_cannot_be_taken_out() -> None:
    (case,) = cases_of([Pair("x", "Who?", ("Ann",))])
    assert case.kind == "answerable"


@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 5))
def test_the_share_is_exact_and_the_order_of_pairs_does_not_matter(
    count: int, share: float, seed: int
) -> None:
    pairs = pairs_of(count)
    mixed = random.Random(1).sample(pairs, count)
    removed = {case.id for case in cases_of(pairs, share, seed) if case.kind == "removed"}
    assert len(removed) == round(share * count)
    assert removed == {case.id for case in cases_of(mixed, share, seed) if case.kind == "removed"}


def test_another_seed_draws_others() -> None:
    pairs = pairs_of(40)
    first, second = cases_of(pairs, 0.5, 1), cases_of(pairs, 0.5, 2)
    assert {case.id for case in first} != {case.id for case in second}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="share"):
        cases_of(pairs_of(2), share)
