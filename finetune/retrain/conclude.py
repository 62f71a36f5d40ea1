"""From measurements to a verdict, and to what the manifest tells of a new version."""

from dataclasses import asdict, dataclass, replace
from typing import TypeVar

from pydantic import JsonValue

from answering.references import parse_reference
from finetune.evaluation.gate import Verdict, judge
from finetune.evaluation.scoring import Summary
from finetune.evaluation.values import CANDIDATE
from finetune.registry.entry import Entry
from finetune.registry.manifest import Base, Description, LossPoint
from finetune.registry.manifest import Verdict as StoredVerdict
from finetune.report.comparisons import summaries_of
from finetune.report.making import libraries
from finetune.retrain.measure import Measured
from finetune.retrain.steps import Calibrated, Learned, Parts, Usable
from finetune.retrain.values import Given, RetrainSettings, Surroundings, plain
from retrieval.prompt import PROMPT_VERSION

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run made, step by step; `start` is the adapter that it went on from."""

    name: str
    start: Entry | None
    given: Given
    usable: Usable
    parts: Parts
    learned: Learned
    calibrated: Calibrated
    measured: Measured
    verdict: Verdict


def verdict_of(measured: Measured, settings: RetrainSettings, of_tasks: bool = False) -> Verdict:
    """What the gate says; `of_tasks` where only tasks were measured, none of which must be refused."""
    others = {name: scored for name, scored in measured.scored.items() if name != CANDIDATE}
    rise = measured.forgetting.overall.rise
    limits = replace(settings.limits, min_unanswerable=0) if of_tasks else settings.limits
    return judge(measured.scored[CANDIDATE], others, rise, limits)


def description_of(run: Run, surroundings: Surroundings, settings: RetrainSettings) -> Description:
    """What the manifest tells of the new version."""
    before = (run.start and run.start.manifest) or Description()
    return Description(
        base=Base(id=surroundings.base.id, digest=surroundings.base_digest),
        prompt_version=PROMPT_VERSION,
        data=_together(before.data, run.given.sources),
        start=run.start.reference if run.start else None,
        settings=plain(settings),
        seeds={"split": settings.seed, "samples": settings.samples.seed, "training": settings.train.seed},
        libraries=libraries(),
        losses=tuple(
            LossPoint(step=point.step, train=point.loss, held=point.dev_loss)
            for point in run.learned.trained.curve
        ),
        evaluation={name: _figures(summary) for name, summary in summaries_of(run.measured.scored).items()},
        verdict=StoredVerdict(promoted=run.verdict.promoted, reasons=run.verdict.reasons),
        parent=_parent(run.name, surroundings.live),
        notices=_together(before.notices, surroundings.notices),
        reading=run.calibrated.reading,
    )


def _together(before: tuple[T, ...], now: tuple[T, ...]) -> tuple[T, ...]:
    """What an adapter inherits from the one it went on from, and what is its own."""
    return tuple(dict.fromkeys((*before, *now)))


def _parent(name: str, live: str | None) -> int | None:
    """The version of the same adapter that is live."""
    reference = parse_reference(live) if live else None
    if reference is None or reference.name != name or isinstance(reference.version, str):
        return None
    return reference.version


def _figures(summary: Summary) -> dict[str, JsonValue]:
    return {
        name: value if value is None or isinstance(value, int | float) else value["mean"]
        for name, value in asdict(summary).items()
    }
