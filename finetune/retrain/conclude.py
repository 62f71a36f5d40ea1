"""From measurements to a verdict, a report, and a version in the registry."""

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version

from pydantic import JsonValue

from finetune.evaluation.gate import Verdict, judge
from finetune.evaluation.plots import LossPoint, RefusalLine
from finetune.evaluation.report import (
    Lost,
    ReportData,
    Source,
    Table,
    TrainedOn,
    drawn,
    render_report,
    worst,
)
from finetune.evaluation.scoring import Scored, Summary, summarise
from finetune.evaluation.values import CANDIDATE, NO_CONTEXT
from finetune.pairs.personal import mask_personal
from finetune.registry.manifest import Base, Description
from finetune.registry.manifest import LossPoint as StoredLossPoint
from finetune.registry.manifest import Verdict as StoredVerdict
from finetune.registry.references import parse_reference
from finetune.retrain.measure import Measured
from finetune.retrain.steps import Calibrated, Learned, Parts, Usable
from finetune.retrain.values import Given, RetrainSettings, Surroundings, plain
from retrieval.prompt import PROMPT_VERSION

LIBRARIES = ("torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "tantivy")


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run made, step by step."""

    name: str
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
    return Description(
        base=Base(id=surroundings.base.id, digest=surroundings.base_digest),
        prompt_version=PROMPT_VERSION,
        data=run.given.sources,
        settings=plain(settings),
        seeds={"split": settings.seed, "samples": settings.samples.seed, "training": settings.train.seed},
        libraries=libraries(),
        losses=tuple(
            StoredLossPoint(step=point.step, train=point.loss, held=point.dev_loss)
            for point in run.learned.trained.curve
        ),
        evaluation={name: _figures(summary) for name, summary in _summaries(run.measured.scored).items()},
        verdict=StoredVerdict(promoted=run.verdict.promoted, reasons=run.verdict.reasons),
        parent=_parent(run.name, surroundings.live),
        notices=surroundings.notices,
        reading=run.calibrated.reading,
    )


def report_of(run: Run, surroundings: Surroundings, settings: RetrainSettings, version_name: str) -> str:
    """The report page of a run."""
    scored = run.measured.scored
    rivals = {name: entries for name, entries in scored.items() if name not in (CANDIDATE, NO_CONTEXT)}
    best = max(rivals, key=lambda name: _mean(rivals[name]))
    tables = [Table("All questions", _summaries(scored))]
    for language, title in (("en", "English"), ("zh", "Chinese")):
        part = {name: [e for e in entries if e.case.language == language] for name, entries in scored.items()}
        if all(part.values()):
            tables.append(Table(title, _summaries(part)))
    return render_report(
        ReportData(
            title=run.name,
            version=version_name,
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            verdict=run.verdict,
            tables=tuple(tables),
            forgetting=run.measured.forgetting,
            losses=tuple(LossPoint(p.step, p.loss, p.dev_loss) for p in run.learned.trained.curve),
            refusals=(RefusalLine(CANDIDATE, line),) if (line := run.calibrated.curve) is not None else (),
            trained_on=_trained_on(run, settings),
            regressions=worst(CANDIDATE, scored[CANDIDATE], best, scored[best]),
            examples=drawn(scored),
            settings={name: str(value) for name, value in asdict(settings.train).items()}
            | {"way of reading": run.calibrated.choice},
            versions={**libraries(), "python": platform.python_version()},
            digests={"base": surroundings.base_digest} | {d.name: d.digest for d in run.given.sources},
            allowed=settings.wrong_refusals,
        )
    )


def libraries() -> dict[str, str]:
    """Versions of what an adapter's numbers depend on."""
    return {name: version(name) for name in LIBRARIES}


def _parent(name: str, live: str | None) -> int | None:
    """The version of the same adapter that is live."""
    reference = parse_reference(live) if live else None
    if reference is None or reference.name != name or isinstance(reference.version, str):
        return None
    return reference.version


def _trained_on(run: Run, settings: RetrainSettings) -> TrainedOn:
    dropped = (*run.usable.dropped, *run.parts.dropped, *run.learned.dropped)
    public = settings.checks.public
    lost = [Lost(d.origin, mask_personal(d.question, public), d.reason) for d in dropped]
    lost += [Lost(entry.pair, "", entry.reason) for entry in run.learned.trained.refused]
    refused = Counter(entry.reason for entry in run.learned.trained.refused)
    return TrainedOn(
        counts={
            "pairs given": len(run.given.pairs),
            "pairs learned": len(run.parts.learned),
            "pairs for the calibration": len(run.parts.fitting),
            "pairs held out": len(run.parts.heldout),
            "tasks learned": len(run.parts.learned_tasks),
            "tasks held out": len(run.parts.heldout_tasks),
            **{f"samples: {kind}": count for kind, count in sorted(run.learned.samples.items())},
            "steps": run.learned.trained.steps,
        },
        dropped=Counter(entry.reason.partition(":")[0] for entry in dropped) + refused,
        sources=tuple(Source(d.name, d.licence or "not stated", d.pairs or 0) for d in run.given.sources),
        lost=tuple(lost),
    )


def _summaries(scored: Mapping[str, Sequence[Scored]]) -> dict[str, Summary]:
    return {name: summarise(entries) for name, entries in scored.items()}


def _mean(scored: Sequence[Scored]) -> float:
    return sum(entry.f1 for entry in scored) / max(len(scored), 1)


def _figures(summary: Summary) -> dict[str, JsonValue]:
    return {
        name: value if value is None or isinstance(value, int | float) else value["mean"]
        for name, value in asdict(summary).items()
    }
