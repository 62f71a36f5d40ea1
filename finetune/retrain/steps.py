"""The steps of a retraining, each a function of what came before it."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.draw import draw
from finetune.evaluation.calibration import Curve, Read, choose_reading, curve, fit
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.reasons import Reason, ReasonKind
from finetune.evaluation.values import CANDIDATE, Case, cases_of
from finetune.pairs.check import check_pairs
from finetune.pairs.values import Dropped, Pair, Task
from finetune.registry.manifest import StoredCalibration, StoredReading
from finetune.retrain.folder import RunFolder
from finetune.retrain.values import Contender, Given, RetrainSettings, Status, Surroundings, Tell
from finetune.samples import samples_of, task_samples
from finetune.split import split_pairs
from finetune.training.train import ADAPTER, Trained, train
from finetune.training.values import Progress
from knowledge_base.errors import InputError

_WAYS: dict[str, ReasonKind] = {
    "focused": "reads_focused",
    "each": "reads_each",
    "together": "reads_together",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """Pairs by what they are for; `dropped` were taken from the learned ones as too near to others."""

    learned: tuple[Pair, ...]
    fitting: tuple[Pair, ...]
    heldout: tuple[Pair, ...]
    learned_tasks: tuple[Task, ...]
    heldout_tasks: tuple[Task, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Usable:
    """Pairs that passed every check, tasks, and all that was dropped so far with its reason."""

    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What training used and gave."""

    samples: Mapping[str, int]
    dropped: tuple[Dropped, ...]
    trained: Trained


def check(given: Given, surroundings: Surroundings, settings: RetrainSettings) -> Usable:
    """Keep what can be learned from; every other pair has its reason."""
    checked = check_pairs(
        given.pairs,
        settings.checks,
        surroundings.texts(),
        lambda question: surroundings.library.search([question])[0],
    )
    return Usable(checked.kept, given.tasks, (*given.dropped, *checked.dropped))


def split(usable: Usable, settings: RetrainSettings) -> Parts:
    """Learn, fit and measure on different documents.

    Tasks need no documents; without any pairs there is nothing to fit. InputError if there are too few.
    """
    learned, heldout = _divided_tasks(usable.tasks, settings)
    if usable.tasks and not usable.pairs:
        _require_both(learned, heldout)
        return Parts((), (), (), learned, heldout, ())
    outer = split_pairs(usable.pairs, settings.heldout, settings.seed)
    open_again = [replace(pair, split="") for pair in outer.train]
    inner = split_pairs(open_again, settings.fitting, settings.seed)
    return Parts(
        learned=inner.train,
        fitting=inner.heldout,
        heldout=outer.heldout,
        learned_tasks=learned,
        heldout_tasks=heldout,
        dropped=(*outer.removed, *inner.removed),
    )


def learn(  # noqa: PLR0913, PLR0917
    parts: Parts,
    start: Path | None,
    surroundings: Surroundings,
    settings: RetrainSettings,
    folder: RunFolder,
    tell: Tell,
) -> Learned:
    """Make samples of the learned pairs and train on them; the adapter lies in the run's folder then.

    `start` is the folder of the adapter to go on from, None begins a fresh one.
    """
    made = samples_of(
        parts.learned,
        surroundings.library,
        surroundings.count_tokens,
        settings.samples,
        lambda done, total: tell(Status("samples", done, total)),
    )
    samples = (*made.samples, *task_samples(parts.learned_tasks))

    def training(progress: Progress) -> None:
        tell(
            Status(
                "train",
                progress.step,
                progress.steps,
                f"{progress.tokens_per_second:.0f} tokens/s",
                progress.loss,
                progress.dev_loss,
                progress.seconds_left,
            )
        )

    trained = train(
        samples,
        replace(surroundings.base, start=start),
        settings.train,
        folder.path / "training",
        training,
        _learned_texts(parts, surroundings),
    )
    return Learned(Counter(sample.kind for sample in samples), made.dropped, trained)


def _learned_texts(parts: Parts, surroundings: Surroundings) -> list[str]:
    """The documents that the learned pairs stand in; those of the held-out ones are never read."""
    documents = {place.document for pair in parts.learned for place in pair.evidence}
    texts = surroundings.texts()
    return [texts[document] for document in sorted(documents)]


def candidate_folder(folder: RunFolder) -> Path:
    """Where a run's adapter lies, as PEFT saved it."""
    return folder.path / "training" / ADAPTER


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How to read with the candidate, the refusal curve on held-out questions, and the reasons.

    Without a curve nothing could be fitted: the candidate is read and refuses as the base.
    """

    reading: StoredReading
    curve: Curve | None
    reasons: tuple[Reason, ...]


def calibrate(
    parts: Parts, surroundings: Surroundings, settings: RetrainSettings, folder: RunFolder, tell: Tell
) -> Calibrated:
    """Fit when to refuse, and choose whether passages are read one by one, whole or focused, or together.

    Focused is narrowed to the sentences nearest to the question, which keep a small model to the right row of
    a table. Where there are too few questions for that, the candidate refuses as the base does; the gate will
    judge.
    """
    if not parts.fitting:
        return Calibrated(StoredReading(), None, (Reason("reads_nothing", {}),))
    fitting = draw(parts.fitting, settings.fit_questions, settings.seed)
    plain = Contender(CANDIDATE, candidate_folder(folder))

    def calibrated(way: str, reading: StoredReading) -> Calibrated:
        note = f"doubts of the reader ({way})"
        reads = surroundings.reads(
            replace(plain, reading=reading),
            fitting,
            lambda done, total: tell(Status("calibrate", done, total, note)),
        )
        return _fitted(reads, reading, surroundings, settings)

    each = calibrated("each", StoredReading(mode="each"))
    answerable = [case for case in cases_of(fitting, 0.0) if case.answerable]
    cases = draw(answerable, settings.way_questions, settings.seed)
    if not cases:
        return replace(each, reasons=(*each.reasons, Reason("reads_uncompared", {})))
    ways = {
        "focused": calibrated("focused", StoredReading(mode="each", focus=settings.samples.focus)),
        "each": each,
        "together": replace(each, reading=each.reading.model_copy(update={"mode": "together"})),
    }
    return _best_of(ways, cases, plain, surroundings, folder, tell)


def _fitted(
    reads: Sequence[Read], reading: StoredReading, surroundings: Surroundings, settings: RetrainSettings
) -> Calibrated:
    allowed = settings.wrong_refusals
    try:
        fitted = {name: fit(reads, names, allowed) for name, names in surroundings.signals.items()}
    except InputError as error:
        return Calibrated(reading, None, (Reason("refuses_as_base", {"cause": error.cause}),))
    calibrations = {
        name: StoredCalibration(
            weights=dict(entry.weights), bias=entry.bias, threshold=entry.threshold, sure=entry.sure
        )
        for name, entry in fitted.items()
    }
    scored = fitted["scored"].held_out
    points = curve(
        [entry.confidence for entry in scored if entry.answerable],
        [entry.confidence for entry in scored if not entry.answerable],
    )
    return Calibrated(reading.model_copy(update={"calibrations": calibrations}), points, ())


def _best_of(  # noqa: PLR0913, PLR0917
    ways: Mapping[str, Calibrated],
    cases: Sequence[Case],
    plain: Contender,
    surroundings: Surroundings,
    folder: RunFolder,
    tell: Tell,
) -> Calibrated:
    asks = {name: surroundings.ask(replace(plain, reading=way.reading)) for name, way in ways.items()}
    evaluation = evaluate(
        cases,
        asks,
        lambda label, done, total: tell(Status("calibrate", done, total, label)),
        folder.path / "ways.jsonl",
        {name: str(way.reading.model_dump_json()) for name, way in ways.items()},
    )
    choice = choose_reading({name: [e.f1 for e in scored] for name, scored in evaluation.scored.items()})
    chosen = ways[choice.way]
    figures = {"gain": choice.gain.mean, "count": len(cases)}
    return replace(chosen, reasons=(*chosen.reasons, Reason(_WAYS[choice.way], figures)))


def _divided_tasks(
    tasks: Sequence[Task], settings: RetrainSettings
) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """Tasks to learn and tasks to measure; what a task itself says about that holds."""
    open_tasks = [task for task in tasks if not task.split]
    held = random.Random(settings.seed).sample(open_tasks, round(len(open_tasks) * settings.heldout))
    keys = {task.id for task in held}
    heldout = tuple(task for task in tasks if task.split == "heldout" or task.id in keys)
    return tuple(task for task in tasks if task not in heldout), heldout


def _require_both(learned: Sequence[Task], heldout: Sequence[Task]) -> None:
    if not learned or not heldout:
        missing = "hold out" if learned else "train on"
        cause = f"There is nothing to {missing}: there are {len(learned) + len(heldout)} tasks."
        raise InputError(cause, "Give more of them; with the usual settings every fifth is held out.")
