"""The gate: a good candidate passes, and each way of being bad is named."""

from dataclasses import replace

import pytest

from finetune.evaluation.gate import LIMITS, Verdict, judge
from finetune.evaluation.scoring import Scored, score
from finetune.evaluation.values import BASE, CANDIDATE, EXAMPLES, LIVE, NO_CONTEXT
from finetune.report.words import sentences_of
from knowledge_base.errors import InputError
from tests.finetune.evaluation.synthetic import a_reply, contender, shuffled, some_cases

CASES = some_cases()
OTHERS = {
    BASE: contender(CASES, right=0.2, refuses=0.5, seed=1),
    EXAMPLES: contender(CASES, right=0.4, refuses=0.6, seed=2),
    LIVE: contender(CASES, right=0.5, refuses=0.8, seed=3),
}


def verdict(candidate: list[Scored], forgetting: float = 0.01, **others: list[Scored]) -> Verdict:
    return judge(candidate, OTHERS | others, forgetting)


def told(found: Verdict) -> list[str]:
    return sentences_of(found.reasons, "en")


def good(**changes: float) -> list[Scored]:
    return contender(CASES, **({"right": 0.9, "seed": 4} | changes))  # type: ignore[arg-type]


def test_a_good_candidate_is_promoted_with_the_reason() -> None:
    found = verdict(good())
    assert found.promoted
    assert len(found.reasons) == 1
    assert "surely better" in told(found)[0]
    assert "live" in told(found)[0]
    assert set(found.gains) == set(OTHERS)
    assert all(gain.low > 0 for gain in found.gains.values())


def test_one_that_was_trained_on_shuffled_answers_is_rejected() -> None:
    found = verdict(shuffled(CASES))
    assert not found.promoted
    assert any("not surely better than those of live" in reason for reason in told(found))
    assert found.gains[LIVE].high < 0


def test_one_that_refuses_everything_is_rejected_though_most_cases_must_be_refused() -> None:
    cases = some_cases(30, 300)
    silent = [score(case, a_reply(refused=True)) for case in cases]
    found = judge(silent, {BASE: contender(cases, right=0.3, refuses=0.1)}, 0.0)
    assert not found.promoted
    assert any("refuses 100% of the questions that can be answered" in reason for reason in told(found))


def test_the_same_again_is_no_gain() -> None:
    found = verdict(OTHERS[LIVE])
    assert not found.promoted
    assert (found.gains[LIVE].low, found.gains[LIVE].high) == (0.0, 0.0)


def test_a_gain_over_one_is_not_enough_if_another_is_as_good() -> None:
    found = verdict(good(), **{EXAMPLES: contender(CASES, right=0.9, seed=5)})
    assert not found.promoted
    assert found.gains[LIVE].low > 0
    assert [reason for reason in told(found) if "base + examples" in reason]


def test_the_order_of_the_cases_does_not_matter() -> None:
    reversed_others = {name: scored[::-1] for name, scored in OTHERS.items()}
    assert judge(good(), reversed_others, 0.01) == verdict(good())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"refuses": 0.7}, "at least 75% are wanted"),
        ({"wrongly": 0.2}, "at most 10% are allowed"),
        ({"seconds": 1.6}, "too slow"),
    ],
)
def test_a_limit_that_is_passed_is_named(changes: dict[str, float], reason: str) -> None:
    found = verdict(good(**changes))
    assert not found.promoted
    assert [given for given in told(found) if reason in given]


@pytest.mark.parametrize("forgetting", [0.051, 3.0, float("nan"), float("inf")])
def test_one_that_forgets_or_was_not_measured_is_rejected(forgetting: float) -> None:
    found = verdict(good(), forgetting)
    assert not found.promoted
    assert "forgets" in told(found)[0]


def test_forgetting_at_the_limit_is_allowed() -> None:
    assert verdict(good(), LIMITS.max_forgetting).promoted


def test_one_that_refuses_less_than_the_live_one_is_rejected_only_beyond_the_limit() -> None:
    cautious = contender(CASES, right=0.5, refuses=1.0, seed=3)
    found = verdict(good(refuses=0.9), **{LIVE: cautious})
    assert [reason for reason in told(found) if "the live adapter 100%" in reason]
    assert verdict(good(refuses=0.967), **{LIVE: cautious}).promoted


def test_without_a_live_one_it_is_as_fast_as_the_best_other_that_counts() -> None:
    others = {BASE: contender(CASES, 0.2, seconds=0.1), EXAMPLES: contender(CASES, 0.4, seconds=1.0, seed=2)}
    assert judge(good(), others, 0.0).promoted


@pytest.mark.parametrize(
    ("answerable", "unanswerable", "words"),
    [(29, 30, "29 questions that can be answered"), (60, 9, "9 questions that must be refused"), (0, 0, "0")],
)
def test_too_few_cases_are_not_judged(answerable: int, unanswerable: int, words: str) -> None:
    cases = some_cases(answerable, unanswerable)
    found = judge(contender(cases, 1.0), {BASE: contender(cases, 0.0)}, 0.0)
    assert not found.promoted
    assert any("too few" in reason and words in reason for reason in told(found))


def test_nobody_to_compare_with_is_a_rejection() -> None:
    found = judge(good(), {NO_CONTEXT: good()}, 0.0)
    assert not found.promoted
    assert "no other contender" in told(found)[0]


def test_answering_from_memory_is_a_warning_and_no_rival() -> None:
    found = verdict(good(), **{NO_CONTEXT: contender(CASES, right=0.85, seed=6)})
    assert found.promoted
    assert "from memory" in told(found)[-1]
    assert NO_CONTEXT not in found.gains
    assert len(verdict(good(), **{NO_CONTEXT: contender(CASES, right=0.1, seed=6)}).reasons) == 1


def test_limits_can_be_loosened() -> None:
    slow = good(seconds=5.0)
    assert not verdict(slow).promoted
    assert judge(slow, OTHERS, 0.01, replace(LIMITS, max_latency_ratio=10)).promoted


@pytest.mark.parametrize("other", [CASES[:-1], [*CASES[:-1], CASES[0]], some_cases(61, 29)])
def test_contenders_that_answered_other_cases_cannot_be_compared(other: list[object]) -> None:
    with pytest.raises(InputError, match="same cases"):
        judge(good(), {CANDIDATE: contender(other, 0.5)}, 0.0)  # type: ignore[arg-type]


def test_one_that_refuses_too_often_is_promoted_where_what_answers_now_refuses_oftener() -> None:
    often = contender(CASES, right=0.5, refuses=0.8, wrongly=0.3, seed=3)
    assert verdict(good(wrongly=0.2), live=often).promoted
    worse = verdict(good(wrongly=0.4), live=often)
    assert not worse.promoted
    assert any("at most 30% are allowed" in reason for reason in told(worse))
