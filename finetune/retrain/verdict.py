"""Everything that a run made, and what the manifest tells of the new version."""

from dataclasses import asdict, dataclass
from typing import TypeVar

from pydantic import JsonValue

from answering.references import parse_reference
from finetune.evaluation.gate import Verdict
from finetune.evaluation.scoring import Summary, summarise
from finetune.pairs.store import Dataset
from finetune.pipeline import Pipeline
from finetune.registry.entry import Entry
from finetune.registry.manifest import Base, Description, LossPoint, libraries
from finetune.registry.manifest import Verdict as StoredVerdict
from finetune.retrain.values import Calibrated, Splits, TestResults, TrainedAdapter, ValidPairs
from finetune.settings import RetrainSettings
from retrieval.prompt import PROMPT_VERSION

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run made, step by step; `start` is the adapter that it continued."""

    name: str
    start: Entry | None
    dataset: Dataset
    valid: ValidPairs
    splits: Splits
    trained: TrainedAdapter
    calibrated: Calibrated
    results: TestResults
    verdict: Verdict


def description_of(run: Run, pipeline: Pipeline, settings: RetrainSettings) -> Description:
    """What the manifest tells of the new version."""
    before = (run.start and run.start.manifest) or Description()
    return Description(
        base=Base(id=pipeline.trainable.id, digest=pipeline.base_digest),
        prompt_version=PROMPT_VERSION,
        data=_together(before.data, run.dataset.sources),
        start=run.start.reference if run.start else None,
        settings=settings.plain(),
        seeds={"seed": settings.seed},
        libraries=libraries(),
        losses=tuple(
            LossPoint(step=point.step, train=point.loss, held=point.dev_loss)
            for point in run.trained.trained.curve
        ),
        evaluation={name: _figures(summarise(scored)) for name, scored in run.results.scored.items()},
        verdict=StoredVerdict(promoted=run.verdict.promoted, reasons=run.verdict.reasons),
        parent=_parent(run.name, pipeline.live),
        notices=_together(before.notices, pipeline.notices),
        reading=run.calibrated.reading,
    )


def _together(before: tuple[T, ...], now: tuple[T, ...]) -> tuple[T, ...]:
    """What an adapter inherits from the one it continued, and what is its own."""
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
