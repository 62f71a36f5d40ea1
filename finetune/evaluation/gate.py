"""Whether a candidate may replace what is served: surely better answers, and nothing else got worse.

Which F1 is it that must rise? That over the answerable cases, with a refused one as 0. An F1 over all cases,
with a right refusal as 1, would move with the share of unanswerable cases, which we chose ourselves, and a
candidate that refuses everything would win on many of them. It would also count each question twice that
is asked with and without its evidence, as if both were independent. So answers and refusals are judged
apart: answers by the gain, refusals by limits on both sides, so that neither daring nor silence passes.

The gain must be sure over every other contender, not only over the one whose mean happens to be best in
this sample. That asks no less than the best one alone, and needs no correction for comparing several (an
intersection–union test, Berger 1982).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from finetune.evaluation.bootstrap import CONFIDENCE, RESAMPLES, Estimate, paired_gain
from finetune.evaluation.reasons import Reason, ReasonKind
from finetune.evaluation.scoring import Scored, seconds_at
from finetune.evaluation.values import LIVE, NO_CONTEXT
from knowledge_base.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a candidate must keep to.

    Shares are in 0…1. `max_refusal_recall_drop` is against the live adapter; `max_false_refusals` holds
    unless what answers now refuses even more answerable questions; `max_forgetting` is the rise of the mean
    loss on general text in nats a token, `max_latency_ratio` that of the median seconds to those of
    the live adapter (the best other contender where none is live). From `near_without_context` of its own
    F1 on, a candidate without context is warned of. `confidence` is that of the two-sided interval
    whose lower end must be above zero.
    """

    min_answerable: int = 30
    min_unanswerable: int = 10
    min_refusal_recall: float = 0.75
    max_refusal_recall_drop: float = 0.05
    max_false_refusals: float = 0.10
    max_forgetting: float = 0.05
    max_latency_ratio: float = 1.5
    near_without_context: float = 0.8
    confidence: float = CONFIDENCE
    resamples: int = RESAMPLES
    seed: int = 0


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision with its reasons, and the gain of F1 over each other contender."""

    promoted: bool
    reasons: tuple[Reason, ...]
    gains: Mapping[str, Estimate]


def judge(
    candidate: Sequence[Scored],
    others: Mapping[str, Sequence[Scored]],
    forgetting: float,
    limits: Limits = LIMITS,
) -> Verdict:
    """Promote or reject the candidate.

    Args:
        candidate: its scored cases.
        others: those of every other contender by name, on the same cases in any order. The candidate without
            context is no rival; it only gives rise to a warning.
        forgetting: rise of the mean loss on general text; not a number if it could not be measured.
        limits: what is asked.

    Raises:
        InputError: if the contenders did not answer the same cases.
    """
    ordered = {name: _in_order(candidate, name, scored) for name, scored in others.items()}
    memory = ordered.pop(NO_CONTEXT, [])
    missing = _missing(candidate, ordered, limits)
    if missing:
        return Verdict(False, tuple(missing), {})
    gains = {name: _gain(candidate, scored, limits) for name, scored in ordered.items()}
    best = min(gains, key=lambda name: gains[name].mean)
    before = LIVE if LIVE in ordered else best
    problems = [
        *_unsure(gains, limits),
        *_missed(candidate, ordered.get(LIVE, ()), limits),
        *_too_silent(candidate, ordered[before], limits),
        *_forgotten(forgetting, limits),
        *_slower(candidate, before, ordered, limits),
    ]
    reasons = problems or [_better(_mean_f1(candidate), best, gains[best], limits)]
    return Verdict(not problems, (*reasons, *_from_memory(candidate, memory, limits)), gains)


def _in_order(candidate: Sequence[Scored], name: str, scored: Sequence[Scored]) -> list[Scored]:
    by_id = {entry.case.id: entry for entry in scored}
    ids = [entry.case.id for entry in candidate]
    if len(by_id) != len(scored) or sorted(by_id) != sorted(ids):
        raise InputError(
            f"The candidate and {name} did not answer the same cases.", "Evaluate both on one list of cases."
        )
    return [by_id[wanted] for wanted in ids]


def _missing(
    candidate: Sequence[Scored], others: Mapping[str, Sequence[Scored]], limits: Limits
) -> list[Reason]:
    answerable = sum(entry.case.answerable for entry in candidate)
    found: tuple[tuple[ReasonKind, int, int], ...] = (
        ("few_answerable", answerable, limits.min_answerable),
        ("few_unanswerable", len(candidate) - answerable, limits.min_unanswerable),
    )
    few = [Reason(kind, {"count": count, "least": least}) for kind, count, least in found if count < least]
    return few if others else [*few, Reason("no_other", {})]


def _answerable(scored: Sequence[Scored]) -> list[Scored]:
    return [entry for entry in scored if entry.case.answerable]


def _mean_f1(scored: Sequence[Scored]) -> float:
    return fmean(entry.f1 for entry in _answerable(scored))


def _gain(candidate: Sequence[Scored], other: Sequence[Scored], limits: Limits) -> Estimate:
    return paired_gain(
        [entry.f1 for entry in _answerable(candidate)],
        [entry.f1 for entry in _answerable(other)],
        limits.confidence,
        limits.resamples,
        limits.seed,
    )


def _unsure(gains: Mapping[str, Estimate], limits: Limits) -> list[Reason]:
    return [
        Reason("not_better", {"name": name, **_range(gain, limits)})
        for name, gain in gains.items()
        if not gain.low > 0
    ]


def _too_silent(candidate: Sequence[Scored], before: Sequence[Scored], limits: Limits) -> list[Reason]:
    """A candidate that refuses too often is still better than what answers now, if that refuses oftener."""
    wrongly = _wrongly_refused(candidate)
    most = max(limits.max_false_refusals, _wrongly_refused(before))
    return [Reason("wrong_refusals", {"share": wrongly, "most": most})] if wrongly > most else []


def _wrongly_refused(scored: Sequence[Scored]) -> float:
    return fmean(entry.reply.refused for entry in _answerable(scored))


def _missed(candidate: Sequence[Scored], live: Sequence[Scored], limits: Limits) -> list[Reason]:
    if len(_answerable(candidate)) == len(candidate):
        return []
    recall = _recall(candidate)
    problems = []
    if recall < limits.min_refusal_recall:
        problems.append(Reason("few_refusals", {"share": recall, "least": limits.min_refusal_recall}))
    if live and recall < _recall(live) - limits.max_refusal_recall_drop:
        most = limits.max_refusal_recall_drop
        problems.append(Reason("fewer_refusals", {"share": recall, "live": _recall(live), "most": most}))
    return problems


def _recall(scored: Sequence[Scored]) -> float:
    return fmean(entry.reply.refused for entry in scored if not entry.case.answerable)


def _forgotten(forgetting: float, limits: Limits) -> list[Reason]:
    if not math.isfinite(forgetting):
        return [Reason("forgetting_unknown", {})]
    if forgetting <= limits.max_forgetting:
        return []
    return [Reason("forgets", {"rise": forgetting, "most": limits.max_forgetting})]


def _slower(
    candidate: Sequence[Scored], name: str, others: Mapping[str, Sequence[Scored]], limits: Limits
) -> list[Reason]:
    seconds, before = seconds_at(candidate, 0.5), seconds_at(others[name], 0.5)
    if seconds <= limits.max_latency_ratio * before:
        return []
    ratio = limits.max_latency_ratio
    return [Reason("slow", {"seconds": seconds, "name": name, "before": before, "ratio": ratio})]


def _better(mean: float, best: str, gain: Estimate, limits: Limits) -> Reason:
    return Reason("better", {"f1": mean, "name": best, **_range(gain, limits)})


def _from_memory(candidate: Sequence[Scored], memory: Sequence[Scored], limits: Limits) -> list[Reason]:
    if not memory or not 0 < limits.near_without_context * _mean_f1(candidate) <= _mean_f1(memory):
        return []
    return [Reason("from_memory", {"without": _mean_f1(memory), "f1": _mean_f1(candidate)})]


def _range(gain: Estimate, limits: Limits) -> dict[str, float]:
    return {"gain": gain.mean, "low": gain.low, "high": gain.high, "confidence": limits.confidence}
