"""The report page of a run, a training or an evaluation, and the manifest of a new version."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue

from answering.references import parse_reference
from finetune.evaluation.bootstrap import Estimate, paired_gain
from finetune.evaluation.cases import BASE, CANDIDATE, EXAMPLES, NO_CONTEXT
from finetune.evaluation.scoring import Scored, Summary, summarise
from finetune.pairs.store import Dataset
from finetune.pairs.values import Dropped
from finetune.pipeline import Pipeline
from finetune.registry.manifest import Base, Description, LossPoint, libraries
from finetune.registry.manifest import Verdict as StoredVerdict
from finetune.report.builders import best_of, by_reason, drawn, making, masked, now, tables_of, worst
from finetune.report.pages import render_report
from finetune.report.plots import RefusalLine
from finetune.report.values import (
    Comparison,
    EvaluationReport,
    Gain,
    Measurement,
    RetrainingReport,
    Selection,
    TrainingReport,
)
from finetune.retrain.values import Run, TrainedAdapter
from finetune.settings import RetrainSettings, TrainSettings
from finetune.split import Splits, ValidPairs
from retrieval.prompt import PROMPT_VERSION

T = TypeVar("T")

_REGRESSIONS = 10  # of all adapters together
Gains = Mapping[tuple[str, str], Estimate]


def report_of(run: Run, pipeline: Pipeline, settings: RetrainSettings, version: str) -> str:
    """The report page of a retraining; `version` names the candidate."""
    scored = run.results.scored
    rivals = {name: entries for name, entries in scored.items() if name not in (CANDIDATE, NO_CONTEXT)}
    best = best_of(rivals)
    line = run.calibrated.curve
    report = RetrainingReport(
        name=run.name,
        version=version,
        made=now(),
        verdict=run.verdict,
        measurement=Measurement(
            tables=tables_of(scored),
            gains=tuple(Gain(CANDIDATE, over, estimate) for over, estimate in run.verdict.gains.items()),
            measured=(CANDIDATE,),
            regressions=worst(CANDIDATE, scored[CANDIDATE], best, scored[best]),
            examples=drawn(scored),
            confidence=settings.confidence,
        ),
        forgetting=run.results.forgetting,
        losses=run.trained.trained.curve,
        reading=run.calibrated.reasons,
        refusals=(RefusalLine(CANDIDATE, line),) if line is not None else (),
        selection=_selection(run.dataset, run.valid, run.splits, run.trained, settings),
        making=making(
            {**settings.plain(), "start": run.start.reference if run.start else BASE},
            _digests(pipeline, run.dataset),
        ),
        allowed=settings.wrong_refusals,
    )
    return render_report(report, pipeline.language)


def training_report_of(  # noqa: PLR0913, PLR0917 - all that a training made
    name: str,
    folder: Path,
    dataset: Dataset,
    valid: ValidPairs,
    splits: Splits,
    trained: TrainedAdapter,
    pipeline: Pipeline,
    settings: RetrainSettings,
) -> str:
    """The report page of a training without a verdict; `folder` holds the adapter."""
    report = TrainingReport(
        name=name,
        folder=str(folder),
        made=now(),
        losses=trained.trained.curve,
        selection=_selection(dataset, valid, splits, trained, settings),
        making=making(
            {name: getattr(settings, name) for name in TrainSettings.model_fields},
            _digests(pipeline, dataset),
        ),
    )
    return render_report(report, pipeline.language)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The pairs that were given, those that were dropped, how each contender answered, and the gains.

    `adapters` are references with the digests of their weights; `gains` are by (adapter, base).
    """

    dataset: Dataset
    dropped: tuple[Dropped, ...]
    scored: Mapping[str, Sequence[Scored]]
    adapters: Mapping[str, str]
    gains: Gains


def gains_of(scored: Mapping[str, Sequence[Scored]], adapters: Sequence[str]) -> Gains:
    """The gain in F1 of each adapter over the base and over the base with worked examples."""

    def answerable(name: str) -> list[float]:
        return [entry.f1 for entry in scored[name] if entry.case.answerable]

    return {
        (adapter, other): paired_gain(answerable(adapter), answerable(other))
        for adapter in adapters
        for other in (BASE, EXAMPLES)
        if answerable(adapter)
    }


def evaluation_report_of(evaluated: Evaluated, pipeline: Pipeline, settings: RetrainSettings) -> str:
    """The report page of an evaluation."""
    kinds = Counter(f"cases_{entry.case.kind}" for entry in evaluated.scored[BASE])
    report = EvaluationReport(
        name=pipeline.corpus.name,
        made=now(),
        measurement=Measurement(
            tables=tables_of(evaluated.scored),
            gains=tuple(Gain(name, over, gain) for (name, over), gain in evaluated.gains.items()),
            measured=tuple(evaluated.adapters),
            regressions=_regressions(evaluated.scored, list(evaluated.adapters)),
            examples=drawn(evaluated.scored),
        ),
        selection=Selection(
            {"pairs_given": len(evaluated.dataset.pairs), **dict(sorted(kinds.items()))},
            by_reason(evaluated.dropped),
            evaluated.dataset.sources,
            masked(evaluated.dropped, settings.public),
        ),
        making=making(
            {"test_share": settings.test_share, "seed": settings.seed},
            {**_digests(pipeline, evaluated.dataset), **evaluated.adapters},
        ),
    )
    return render_report(report, pipeline.language)


def _regressions(scored: Mapping[str, Sequence[Scored]], adapters: Sequence[str]) -> tuple[Comparison, ...]:
    """Where each adapter lost most against the best of the others."""
    found: list[Comparison] = []
    for adapter in adapters:
        best = best_of({name: entries for name, entries in scored.items() if name != adapter})
        found += worst(adapter, scored[adapter], best, scored[best], -(-_REGRESSIONS // len(adapters)))
    return tuple(found)


def _selection(
    dataset: Dataset,
    valid: ValidPairs,
    splits: Splits,
    trained: TrainedAdapter,
    settings: RetrainSettings,
) -> Selection:
    refused = trained.trained.refused
    dropped = (
        *masked((*valid.dropped, *splits.dropped, *trained.dropped), settings.public),
        *(Dropped(entry.pair, "", entry.pair, entry.reason) for entry in refused),
    )
    counts = {
        "pairs_given": len(dataset.pairs),
        "pairs_train": len(splits.train),
        "pairs_calibration": len(splits.calibration),
        "pairs_test": len(splits.test),
        "tasks_train": len(splits.train_tasks),
        "tasks_test": len(splits.test_tasks),
        **{f"samples_{kind}": count for kind, count in sorted(trained.samples.items())},
        "steps": trained.trained.steps,
        "scale": round(100 * trained.trained.scale),
    }
    return Selection(counts, by_reason(dropped), dataset.sources, dropped)


def _digests(pipeline: Pipeline, dataset: Dataset) -> dict[str, str]:
    return {"base": pipeline.base_digest} | {data.name: data.digest for data in dataset.sources}


def description_of(run: Run, pipeline: Pipeline, settings: RetrainSettings) -> Description:
    """The description of the new version for its manifest."""
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
