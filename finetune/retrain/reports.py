"""The report pages of a retraining and of a training alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from finetune.evaluation.gate import Verdict
from finetune.evaluation.scoring import Scored
from finetune.evaluation.values import BASE, CANDIDATE, NO_CONTEXT
from finetune.report.comparisons import best_of, drawn, tables_of, worst
from finetune.report.making import now, versions
from finetune.report.pages import render_report
from finetune.report.plots import LossPoint, RefusalLine
from finetune.report.selections import by_reason, lost_of, sources_of
from finetune.report.values import (
    Gain,
    Lost,
    Making,
    Measurement,
    RetrainingReport,
    Selection,
    TrainingReport,
)
from finetune.retrain.conclude import Run
from finetune.retrain.steps import Learned, Parts, Usable
from finetune.retrain.values import Given, RetrainSettings, Surroundings


def report_of(run: Run, surroundings: Surroundings, settings: RetrainSettings, version_name: str) -> str:
    """The report page of a retraining."""
    making = _making(run.given, surroundings, settings)
    return render_report(
        RetrainingReport(
            name=run.name,
            version=version_name,
            made=now(),
            verdict=run.verdict,
            measurement=_measurement(run.measured.scored, run.verdict),
            forgetting=run.measured.forgetting,
            losses=_losses(run.learned),
            reading=run.calibrated.reasons,
            refusals=(RefusalLine(CANDIDATE, line),) if (line := run.calibrated.curve) is not None else (),
            selection=_selection(run.given, run.usable, run.parts, run.learned, settings),
            making=Making(
                {
                    **making.settings,
                    "start": run.start.reference if run.start else BASE,
                },
                making.versions,
                making.digests,
            ),
            allowed=settings.wrong_refusals,
        ),
        surroundings.language,
    )


def training_report_of(  # noqa: PLR0913, PLR0917 - all that a training made
    name: str,
    folder: Path,
    given: Given,
    usable: Usable,
    parts: Parts,
    learned: Learned,
    surroundings: Surroundings,
    settings: RetrainSettings,
) -> str:
    """The report page of a training without a verdict; the adapter lies in `folder`."""
    return render_report(
        TrainingReport(
            name=name,
            folder=str(folder),
            made=now(),
            losses=_losses(learned),
            selection=_selection(given, usable, parts, learned, settings),
            making=_making(given, surroundings, settings),
        ),
        surroundings.language,
    )


def _measurement(scored: Mapping[str, Sequence[Scored]], verdict: Verdict) -> Measurement:
    rivals = {name: entries for name, entries in scored.items() if name not in (CANDIDATE, NO_CONTEXT)}
    best = best_of(rivals)
    return Measurement(
        tables=tables_of(scored),
        gains=tuple(Gain(CANDIDATE, over, estimate) for over, estimate in verdict.gains.items()),
        measured=(CANDIDATE,),
        regressions=worst(CANDIDATE, scored[CANDIDATE], best, scored[best]),
        examples=drawn(scored),
    )


def _losses(learned: Learned) -> tuple[LossPoint, ...]:
    return tuple(LossPoint(point.step, point.loss, point.dev_loss) for point in learned.trained.curve)


def _selection(
    given: Given, usable: Usable, parts: Parts, learned: Learned, settings: RetrainSettings
) -> Selection:
    dropped = (*usable.dropped, *parts.dropped, *learned.dropped)
    refused = learned.trained.refused
    return Selection(
        counts={
            "pairs_given": len(given.pairs),
            "pairs_learned": len(parts.learned),
            "pairs_fitting": len(parts.fitting),
            "pairs_heldout": len(parts.heldout),
            "tasks_learned": len(parts.learned_tasks),
            "tasks_heldout": len(parts.heldout_tasks),
            **{f"samples_{kind}": count for kind, count in sorted(learned.samples.items())},
            "steps": learned.trained.steps,
            "scale": round(100 * learned.trained.scale),
        },
        dropped=by_reason(dropped) + Counter(entry.reason for entry in refused),
        sources=sources_of(given.sources),
        lost=(
            *lost_of(dropped, settings.checks.public),
            *(Lost(entry.pair, "", entry.reason) for entry in refused),
        ),
    )


def _making(given: Given, surroundings: Surroundings, settings: RetrainSettings) -> Making:
    return Making(
        settings={name: str(value) for name, value in asdict(settings.train).items()},
        versions=versions(),
        digests={"base": surroundings.base_digest} | {data.name: data.digest for data in given.sources},
    )
