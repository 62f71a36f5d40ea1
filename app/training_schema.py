"""What programs get of pairs, adapters and training, as `--json` of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from app.schema import Shape
from finetune.evaluation.bootstrap import Estimate
from finetune.pairs.values import Dropped, Pair

if TYPE_CHECKING:
    from finetune.evaluation.scoring import Summary
    from finetune.retrain.commands import Figures


class AdapterVersion(Shape):
    """One version of an adapter.

    `state` is "live", "previous", "folder" (not made by domainqa), "unusable" or null; `verdict` is
    "promoted" or "rejected", null where it was not measured.
    """

    adapter: str
    state: str | None
    created: str | None
    base: str | None
    verdict: Literal["promoted", "rejected"] | None


class PairFile(Shape):
    """A stored file of pairs and other tasks."""

    name: str
    pairs: int
    tasks: int
    licence: str
    source: str
    imported: str
    digest: str


class DroppedPair(Shape):
    """A pair that is not used, and why; `origin` names its file and line, `kind` the kind of reason."""

    id: str
    origin: str
    question: str
    kind: str
    reason: str

    @model_validator(mode="before")
    @classmethod
    def _told(cls, value: Any) -> Any:  # noqa: ANN401 - whatever is validated
        if not isinstance(value, Dropped):
            return value
        from finetune.report.words import dropped_line

        return dropped_line(value)


class CheckedPairs(Shape):
    """What became of a file of pairs; `report` is the page that lists every dropped pair."""

    name: str
    pairs: int
    tasks: int
    report: str
    dropped: tuple[DroppedPair, ...]
    licence: str | None = None
    source: str | None = None
    imported: str | None = None
    digest: str | None = None


class FeedbackPairs(Shape):
    """The pairs that feedback becomes, and what of it cannot be used."""

    pairs: tuple[Pair, ...]
    dropped: tuple[DroppedPair, ...]


class Retraining(Shape):
    """The end of a retraining: the version, the verdict with its reasons, and the report's page."""

    run: str
    adapter: str
    promoted: bool
    reasons: tuple[str, ...]
    report: str


class TrainedAdapter(Shape):
    """The folder of an adapter that was trained alone, and the report's page."""

    adapter: str
    report: str


class Contender(Shape):
    """The figures of one contender; `finetune.evaluation.scoring.Summary` says what each means.

    An estimate is null where there was nothing to measure. Times are in seconds.
    """

    name: str
    count: int
    em: Estimate | None
    f1: Estimate | None
    f1_all: Estimate | None
    refusal_precision: Estimate | None
    refusal_recall: Estimate | None
    false_refusals: Estimate | None
    citations: Estimate | None
    hits: Estimate | None
    median: float
    slow: float


class Group(Shape):
    """The figures of all contenders on the questions of one language or kind."""

    group: str
    contenders: tuple[Contender, ...]


class Gain(Shape):
    """How much better an adapter answers than `over`, in F1 on the same questions, with the 95 % interval."""

    adapter: str
    over: str
    mean: float
    low: float
    high: float
    count: int


class Evaluation(Shape):
    """How well contenders answered `cases` test questions, and the report's page."""

    cases: int
    contenders: tuple[Contender, ...]
    groups: tuple[Group, ...]
    gains: tuple[Gain, ...]
    report: str


def evaluation_of(figures: Figures) -> Evaluation:
    """The figures of an evaluation."""
    return Evaluation(
        cases=figures.cases,
        contenders=_contenders(figures.summaries),
        groups=tuple(
            Group(group=table.group, contenders=_contenders(table.summaries)) for table in figures.groups
        ),
        gains=tuple(
            Gain(adapter=adapter, over=other, **asdict(gain))
            for (adapter, other), gain in figures.gains.items()
        ),
        report=str(figures.report),
    )


def _contenders(summaries: Mapping[str, Summary]) -> tuple[Contender, ...]:
    return tuple(Contender(name=name, **asdict(summary)) for name, summary in summaries.items())
