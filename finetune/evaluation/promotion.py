"""The promotion gate: a candidate becomes live only if it is statistically better, and no worse elsewhere.

The F1 that must rise is the one over the answerable cases, with a refused one as 0. An F1 over all cases,
with a right refusal as 1, would move with the share of unanswerable cases, which we chose ourselves, and a
candidate that refuses everything would win on many of them. It would also count each question twice that
is asked with and without its evidence, as if both were independent. So answers and refusals are judged
apart: answers by the gain, refusals by limits on both sides, so that neither daring nor silence passes.

The gain must lie above zero against every other contender, not only against the one whose mean happens to be
best in this sample. That asks no less than the best one alone, and needs no correction for comparing several
(an intersection–union test, Berger 1982).

A limit that what answers now misses itself is relative to it: a domain on which the live adapter refuses half
of what it should cannot be entered otherwise. Times are compared at equal length: a candidate that answers in
sentences where the live one writes three words takes longer without being slower.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from finetune.evaluation.bootstrap import Estimate, paired_gain
from finetune.evaluation.cases import LIVE, NO_CONTEXT
from finetune.evaluation.scoring import Scored
from finetune.reasons import Reason, ReasonKind
from finetune.settings import GateSettings
from knowledge_base.errors import InputError

LIMITS = GateSettings()
# A kind of question of which there are fewer is not judged by itself.
_LEAST_OF_A_KIND = 8
_ROUNDING = 1e-9
_Contenders = Mapping[str, Sequence[Scored]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision with its reasons, and the gain of F1 over each other contender."""

    promoted: bool
    reasons: tuple[Reason, ...]
    gains: Mapping[str, Estimate]


def judge(
    candidate: Sequence[Scored], others: _Contenders, forgetting: float, limits: GateSettings = LIMITS
) -> Verdict:
    """Promote or reject the candidate.

    Args:
        candidate: its scored cases.
        others: those of every other contender by name, on the same cases in any order. The candidate without
            context is no rival; it only gives rise to a warning.
        forgetting: rise of the mean loss on general text in nats per token; not a number if it could not be
            measured.
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
    now = LIVE if LIVE in ordered else best
    gained, lost = _by_kind(candidate, now, ordered[now], limits)
    unsure = [name for name, gain in gains.items() if not gain.low > 0]
    problems = [
        *(Reason("not_better", {"name": name, **_range(gains[name], limits)}) for name in unsure),
        *_refusals(candidate, ordered[now], limits),
        *_forgotten(forgetting, limits),
        *_slower(candidate, now, ordered[now], limits),
        *(reason for reason in lost if float(reason.figures["high"]) < -limits.max_kind_loss),
    ]
    better = Reason("better", {"f1": _mean_f1(candidate), "name": best, **_range(gains[best], limits)})
    named = [reason for reason in (*gained, *lost) if reason not in problems]
    reasons = (*(problems or [better]), *named, *_from_memory(candidate, memory, limits))
    return Verdict(not problems, reasons, gains)


def _in_order(candidate: Sequence[Scored], name: str, scored: Sequence[Scored]) -> list[Scored]:
    by_id = {entry.case.id: entry for entry in scored}
    ids = [entry.case.id for entry in candidate]
    if len(by_id) != len(scored) or sorted(by_id) != sorted(ids):
        raise InputError(
            f"The candidate and {name} did not answer the same cases.", "Evaluate both on one list of cases."
        )
    return [by_id[wanted] for wanted in ids]


def _missing(candidate: Sequence[Scored], others: _Contenders, limits: GateSettings) -> list[Reason]:
    answerable = len(_answerable(candidate))
    found: tuple[tuple[ReasonKind, int, int], ...] = (
        ("few_answerable", answerable, limits.min_answerable),
        ("few_unanswerable", len(candidate) - answerable, limits.min_unanswerable),
    )
    few = [Reason(kind, {"count": count, "least": least}) for kind, count, least in found if count < least]
    return few if others else [*few, Reason("no_other")]


def _refusals(candidate: Sequence[Scored], now: Sequence[Scored], limits: GateSettings) -> list[Reason]:
    """Refusing too often and too rarely; what answers now moves a limit that it misses itself."""
    problems = []
    wrongly, before = _refused(_answerable(candidate)), _refused(_answerable(now))
    most = limits.max_false_refusals if before <= limits.max_false_refusals else before + limits.margin
    if wrongly > most + _ROUNDING:
        problems.append(Reason("wrong_refusals", {"share": wrongly, "most": most}))
    if unanswerable := _unanswerable(candidate):
        rightly, before = _refused(unanswerable), _refused(_unanswerable(now))
        least = before - limits.margin
        if before >= limits.min_refusal_recall:
            least = max(least, limits.min_refusal_recall)
        if rightly < least - _ROUNDING:
            problems.append(Reason("few_refusals", {"share": rightly, "least": least}))
    return problems


def _by_kind(
    candidate: Sequence[Scored], name: str, now: Sequence[Scored], limits: GateSettings
) -> tuple[list[Reason], list[Reason]]:
    """On which kinds of questions F1 gained and lost against what answers now, its interval beyond zero."""
    pairs = [(one, other) for one, other in zip(candidate, now, strict=True) if one.case.answerable]
    gained, lost = [], []
    for kind in sorted({one.answer.kind for one, _ in pairs}):
        asked = [(one, other) for one, other in pairs if one.answer.kind == kind]
        if len(asked) < _LEAST_OF_A_KIND:
            continue
        gain = _gain([one for one, _ in asked], [other for _, other in asked], limits)
        figures: dict[str, int | float | str] = {"question_kind": kind, "name": name, "count": len(asked)}
        figures |= _range(gain, limits)
        if gain.low > 0:
            gained.append(Reason("kind_gained", figures))
        elif gain.high < 0:
            lost.append(Reason("kind_lost", figures | {"most": limits.max_kind_loss}))
    return gained, lost


def _forgotten(forgetting: float, limits: GateSettings) -> list[Reason]:
    if not math.isfinite(forgetting):
        return [Reason("forgetting_unknown")]
    if forgetting <= limits.max_forgetting:
        return []
    return [Reason("forgets", {"rise": forgetting, "most": limits.max_forgetting})]


def _slower(
    candidate: Sequence[Scored], name: str, now: Sequence[Scored], limits: GateSettings
) -> list[Reason]:
    """Slower at equal length: until the first word, and by each word."""
    measures: tuple[tuple[ReasonKind, Callable[[Scored], float | None]], ...] = (
        ("slow_first_word", lambda entry: entry.seconds_to_first_word),
        ("slow_words", lambda entry: entry.seconds_per_word),
    )
    problems = []
    for kind, seconds_of in measures:
        seconds, before = _median(candidate, seconds_of), _median(now, seconds_of)
        if seconds and before and seconds > limits.max_latency_ratio * before:
            figures = {"seconds": seconds, "before": before, "ratio": limits.max_latency_ratio}
            problems.append(Reason(kind, {"name": name, **figures}))
    return problems


def _from_memory(candidate: Sequence[Scored], memory: Sequence[Scored], limits: GateSettings) -> list[Reason]:
    if not memory or not 0 < limits.near_without_context * _mean_f1(candidate) <= _mean_f1(memory):
        return []
    return [Reason("from_memory", {"without": _mean_f1(memory), "f1": _mean_f1(candidate)})]


def _gain(candidate: Sequence[Scored], other: Sequence[Scored], limits: GateSettings) -> Estimate:
    one, two = ([entry.f1 for entry in _answerable(scored)] for scored in (candidate, other))
    return paired_gain(one, two, limits.confidence, limits.resamples, limits.seed)


def _answerable(scored: Sequence[Scored]) -> list[Scored]:
    return [entry for entry in scored if entry.case.answerable]


def _unanswerable(scored: Sequence[Scored]) -> list[Scored]:
    return [entry for entry in scored if not entry.case.answerable]


def _refused(scored: Sequence[Scored]) -> float:
    return fmean(entry.refused for entry in scored)


def _mean_f1(scored: Sequence[Scored]) -> float:
    return fmean(entry.f1 for entry in _answerable(scored))


def _median(scored: Sequence[Scored], seconds_of: Callable[[Scored], float | None]) -> float | None:
    found = [seconds for seconds in map(seconds_of, scored) if seconds is not None]
    return median(found) if found else None


def _range(gain: Estimate, limits: GateSettings) -> dict[str, float]:
    return {"gain": gain.mean, "low": gain.low, "high": gain.high, "confidence": limits.confidence}
