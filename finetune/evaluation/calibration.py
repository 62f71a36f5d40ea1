"""Fits when to refuse: a logistic regression over the signals of a passage, and a threshold per question.

Each passage that was read is one sample, but the decision is made once for a question, on its best passage.
So regularisation and threshold are chosen by what happens to questions, on predictions for documents that
the regression had not seen (cross-validation by group, Stone 1974). In-sample scores would set the
threshold too high: a regression is surer of what it was fitted on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from answering.sufficiency import Calibration
from finetune.evaluation.bootstrap import Estimate, paired_gain
from knowledge_base.errors import InputError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Numbers = NDArray[np.float64]

WRONG_REFUSALS = 0.05
_FOLDS = 5
# Inverse strengths of the L2 penalty, the strongest first.
_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
# Areas under the curve that differ by less are taken as equal, and the stronger penalty wins.
_DIGITS_OF_AREA = 3
_DIGITS = 5
_STEP = 1e-5
_LEAST_SURE = 0.9
# Of the interval that a costlier way of reading has to show: one in ten is chosen by chance.
_WAY_CONFIDENCE = 0.8


@dataclass(frozen=True, slots=True)
class Read:
    """One question and the passages that were read for it.

    `group` is what must not be torn apart by cross-validation: the document that the question is about.
    `signals` are those of each passage, `right` says of each whether it holds the answer, `answerable`
    whether one of them can be right, so that answering is better than refusing.
    """

    group: str
    signals: tuple[Mapping[str, float], ...]
    right: tuple[bool, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """How sure the regression was of a question on which it was not fitted, and whether it chose rightly."""

    confidence: float
    answerable: bool
    chose_right: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """The regression, the confidence below which a question is refused, and how that was found.

    A passage of at least the probability `sure` can be answered from without reading those ranked behind it:
    on questions outside the fold no fewer right passages are chosen then. `strength` is the inverse penalty
    that was chosen, `held_out` one entry for each read, in their order.
    """

    calibration: Calibration
    strength: float
    held_out: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """Which shares of the answerable and of the other questions a threshold refuses."""

    threshold: float
    wrong: float
    right: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Points by rising threshold, and the area: how often an answerable question is the surer one of two."""

    points: tuple[Point, ...]
    area: float

    def right_at(self, wrong: float) -> float:
        """The largest share of right refusals at no more than this share of wrong ones."""
        return max(point.right for point in self.points if point.wrong <= wrong)


@dataclass(frozen=True, slots=True)
class Choice:
    """A way of reading, the best of the others, and the gain over it."""

    way: str
    second: str
    gain: Estimate


def fit(reads: Sequence[Read], names: Sequence[str], wrong_refusals: float = WRONG_REFUSALS) -> Fitted:
    """The regression over the signals `names`, refusing at most this share of answerable questions.

    The threshold holds on held-out questions as far as they are like those to come. One penalty is chosen
    from five by the same held-out predictions, which flatters them a little.

    Raises:
        InputError: if the reads are too few or too alike to be fitted and held out, or contradict
            themselves.
    """
    table = _table(reads, names)
    if not 0 <= wrong_refusals < 1:
        raise InputError(f"{wrong_refusals} is not a share of questions.", "Give 0.05 for one of twenty.")
    held_out = {strength: _out_of_fold(table, strength) for strength in _STRENGTHS}
    areas = {strength: round(_area(table, held_out[strength]), _DIGITS_OF_AREA) for strength in _STRENGTHS}
    strength = max(_STRENGTHS, key=lambda tried: (areas[tried], -tried))
    judged = tuple(_judged(table, held_out[strength]))
    threshold = _threshold([entry.confidence for entry in judged if entry.answerable], wrong_refusals)
    scaler, regression = _regression(strength).fit(table.samples, table.labels)
    weights = regression.coef_[0] / scaler.scale_
    bias = float(regression.intercept_[0] - (weights * scaler.mean_).sum())
    calibration = Calibration(
        weights={name: round(float(w), _DIGITS) for name, w in zip(names, weights, strict=True)},
        bias=round(bias, _DIGITS),
        threshold=threshold,
        sure=_sure(table, held_out[strength], threshold),
    )
    return Fitted(calibration, strength, judged)


def curve(answerable: Sequence[float], unanswerable: Sequence[float]) -> Curve:
    """Wrong against right refusals for every threshold that changes something, given confidences.

    It is the ROC curve of "has an answer", seen from the refusals.

    Raises:
        InputError: if there are no questions of one kind.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    if not answerable or not unanswerable:
        raise InputError(
            "A refusal curve needs questions with and without an answer.", "Add some of the other kind."
        )
    labels = np.repeat([1, 0], [len(answerable), len(unanswerable)])
    scores = np.concatenate([answerable, unanswerable]).astype(np.float64)
    answered_wrongly, answered_rightly, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    thresholds[0] = np.nextafter(scores.max(), np.inf)  # it is infinite, which JSON does not know
    points = tuple(
        Point(float(threshold), round(float(1 - rightly), 12), round(float(1 - wrongly), 12))
        for threshold, rightly, wrongly in zip(thresholds, answered_rightly, answered_wrongly, strict=True)
    )
    return Curve(points[::-1], float(roc_auc_score(labels, scores)))


def choose_reading(scores: Mapping[str, Sequence[float]], confidence: float = _WAY_CONFIDENCE) -> Choice:
    """The first way of reading that no other one beats with some certainty.

    On some dozens of questions the best mean is often chance, so a way gives place to a later, costlier one
    only if the interval of its gain lies above zero.

    Args:
        scores: for each way, the cheapest first, the scores of the same questions in the same order,
            F1 say.
        confidence: that of the interval of a gain.

    Raises:
        InputError: if there are fewer than two ways, or they were not scored on equally many questions.
    """
    if len(scores) < 2:  # noqa: PLR2004 - a choice
        raise InputError("There is only one reading mode to choose from.", "Score at least two.")
    chosen, *others = scores
    for way in others:
        if paired_gain(scores[way], scores[chosen], confidence).low > 0:
            chosen = way
    rivals = [way for way in scores if way != chosen]
    second = max(rivals, key=lambda way: sum(scores[way]))
    return Choice(chosen, second, paired_gain(scores[chosen], scores[second], confidence))


@dataclass(frozen=True, slots=True)
class _Table:
    """Samples [passages, signals] with labels, groups and the question of each, and what questions are."""

    samples: Numbers
    labels: NDArray[np.bool_]
    groups: NDArray[np.str_]
    owners: NDArray[np.int64]
    answerable: NDArray[np.bool_]


def _table(reads: Sequence[Read], names: Sequence[str]) -> _Table:
    for read in reads:
        if len(read.signals) != len(read.right) or (any(read.right) and not read.answerable):
            raise InputError(
                f"A question about {read.group} contradicts itself.",
                "Give one mark for each passage, and no right passage where none can be right.",
            )
    rows = [[entry[name] for name in names] for read in reads for entry in read.signals]
    table = _Table(
        np.array(rows, dtype=np.float64).reshape(len(rows), len(names)),
        np.array([right for read in reads for right in read.right], dtype=bool),
        np.array([read.group for read in reads for _ in read.signals], dtype=np.str_),
        np.array([place for place, read in enumerate(reads) for _ in read.signals], dtype=np.int64),
        np.array([read.answerable for read in reads], dtype=bool),
    )
    if not np.isfinite(table.samples).all():
        raise InputError("A signal is not a number.", "Leave out the question, or correct the signal.")
    if not table.answerable.any() or table.answerable.all():
        raise _too_few()
    return table


def _regression(strength: float) -> "Pipeline":
    """A regression for signals as they come; the penalty sees them standardised."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # Right passages are few; balanced, an even chance means as much evidence for as against.
    model = LogisticRegression(C=strength, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), model)


def _out_of_fold(table: _Table, strength: float) -> Numbers:
    """The probability of each passage by a regression that saw no question about its document."""
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    with_answer = len(set(table.groups[table.labels]))
    if with_answer < 2:  # noqa: PLR2004 - one to fit and one to hold out
        raise _too_few()
    folds = StratifiedGroupKFold(min(_FOLDS, with_answer), shuffle=True, random_state=0)
    found = cross_val_predict(
        _regression(strength), table.samples, table.labels, groups=table.groups, cv=folds,
        method="predict_proba",
    )  # fmt: skip
    return np.asarray(found[:, 1], dtype=np.float64)


def _confidences(table: _Table, probabilities: Numbers) -> Numbers:
    """The best probability of each question, 0 where nothing was read."""
    best = np.zeros(len(table.answerable))
    np.maximum.at(best, table.owners, probabilities)
    return best


def _area(table: _Table, probabilities: Numbers) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(table.answerable, _confidences(table, probabilities)))


def _judged(table: _Table, probabilities: Numbers) -> list[Judged]:
    best = _confidences(table, probabilities)
    chosen = np.zeros(len(best), dtype=bool)
    # From the last passage to the first, so that the better ranked one of two equals decides.
    for place in reversed(np.flatnonzero(probabilities == best[table.owners])):
        chosen[table.owners[place]] = table.labels[place]
    return [
        Judged(float(confidence), bool(can), bool(right))
        for confidence, can, right in zip(best, table.answerable, chosen, strict=True)
    ]


def _threshold(answerable: Sequence[float], wrong_refusals: float) -> float:
    """The highest confidence below which no more than this share is, rounded down."""
    refused = math.floor(wrong_refusals * len(answerable) + 1e-9)
    return round(math.floor(sorted(answerable)[refused] / _STEP) * _STEP, _DIGITS)


def _sure(table: _Table, probabilities: Numbers, threshold: float) -> float:
    """The lowest probability from which on stopping there chooses no fewer right passages than reading all.

    Not below the threshold: whether a question is answered never depends on where reading stopped. Nor below
    nine of ten: that is how much a measurement on some dozens of questions is trusted.
    """
    questions = [
        (probabilities[table.owners == owner], table.labels[table.owners == owner])
        for owner in np.flatnonzero(table.answerable)
    ]
    read_all = sum(bool(labels[found.argmax()]) for found, labels in questions)
    sure = 1.0
    for tried in sorted(np.unique(probabilities[probabilities >= max(threshold, _LEAST_SURE)]), reverse=True):
        right = sum(bool(labels[_stop(found, tried)]) for found, labels in questions)
        if right < read_all:
            break
        sure = math.ceil(tried / _STEP) * _STEP
    return round(min(1.0, sure), _DIGITS)


def _stop(probabilities: Numbers, sure: float) -> int:
    """The passage that is answered from: the first that is sure enough, else the likeliest."""
    enough = np.flatnonzero(probabilities >= sure)
    return int(enough[0] if len(enough) else probabilities.argmax())


def _too_few() -> InputError:
    return InputError(
        "There are too few questions to calibrate when to refuse.",
        "Give answerable questions about at least two documents, and unanswerable ones.",
    )
