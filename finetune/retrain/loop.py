"""From pairs to a verdict: check → split → samples → train → calibrate → evaluate → judge → register.

Every step leaves its result in the run's folder, so that a killed run goes on in the step it was in. The live
adapter is not touched before a version that passed the gate is complete in the registry.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from finetune.registry.entry import Entry
from finetune.registry.peft_folder import WEIGHTS
from finetune.registry.registry import Registry
from finetune.retrain import steps
from finetune.retrain.conclude import Run, description_of, verdict_of
from finetune.retrain.folder import RunFolder
from finetune.retrain.measure import measure
from finetune.retrain.preflight import check_adapter, check_same, require_given, require_usable
from finetune.retrain.reports import report_of, training_report_of
from finetune.retrain.steps import Calibrated, Learned, Parts, Usable, candidate_folder
from finetune.retrain.values import Given, Outcome, RetrainSettings, Status, Surroundings, Tell
from finetune.training.processes import join_processes
from knowledge_base.errors import MismatchError, ModelError
from knowledge_base.values import digest_of
from retrieval.storage import translate_errors

REPORT = "report.html"
DROPPED = "dropped.jsonl"


def retrain(  # noqa: PLR0913, PLR0917 - what it starts from, what it asks, where it writes
    name: str,
    given: Given,
    surroundings: Surroundings,
    registry: Registry,
    settings: RetrainSettings,
    path: Path,
    tell: Tell,
) -> Outcome:
    """Train a candidate called `name`, measure it, and promote it if it is surely better.

    Called again with the same run folder `path` after an interruption, it goes on. A candidate that is not
    better is registered as rejected, with its reasons: that is a successful run.

    Raises:
        InputError: if there are too few pairs, or none that can be used.
        ModelError, StorageError: as training and saving do; the live adapter stays.
    """
    folder = RunFolder(path)
    if done := folder.load("outcome", Outcome):
        return done
    start, usable, parts = _begun(given, surroundings, settings, folder, tell)
    learned = _learned(parts, start, surroundings, settings, folder, tell)
    dropped = (*usable.dropped, *parts.dropped, *learned.dropped)
    folder.write(DROPPED, "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in dropped))
    calibrated = folder.once(
        "calibrated", Calibrated, lambda: steps.calibrate(parts, surroundings, settings, folder, tell)
    )
    measured = measure(parts, calibrated.reading, surroundings, settings, folder, tell)
    tell(Status("judge", 0, 1))
    verdict = verdict_of(measured, settings, of_tasks=not parts.heldout)
    run = Run(name, start, given, usable, parts, learned, calibrated, measured, verdict)
    tell(Status("register", 0, 1))
    outcome = _register(run, surroundings, registry, settings, folder)
    folder.store("outcome", outcome)
    tell(Status("register", 1, 1))
    return outcome


def learn(  # noqa: PLR0913, PLR0917 - as `retrain`, without a registry
    name: str, given: Given, surroundings: Surroundings, settings: RetrainSettings, path: Path, tell: Tell
) -> Path:
    """The first half of `retrain`: an adapter that nobody has measured; returns its folder.

    A report lies in `path` as well. Called again with the same `path` after an interruption, it goes on.
    Processes that were launched together call it alike, and share the training. Raises as `retrain` does.
    """
    folder = RunFolder(path, keeps=join_processes().is_first)
    start, usable, parts = _begun(given, surroundings, settings, folder, tell)
    learned = _learned(parts, start, surroundings, settings, folder, tell)
    made = candidate_folder(folder)
    folder.write(
        REPORT, training_report_of(name, made, given, usable, parts, learned, surroundings, settings)
    )
    return made


def _begun(
    given: Given, surroundings: Surroundings, settings: RetrainSettings, folder: RunFolder, tell: Tell
) -> tuple[Entry | None, Usable, Parts]:
    """The adapter to go on from, and the pairs by what they are for."""
    require_given(given)
    start = check_same(surroundings, settings, folder)
    tell(Status("check", 0, len(given.pairs)))
    usable = folder.once("usable", Usable, lambda: steps.check(given, surroundings, settings))
    require_usable((*usable.pairs, *usable.tasks), usable.dropped)
    tell(Status("split", 0, len(usable.pairs)))
    parts = folder.once("parts", Parts, lambda: steps.split(usable, settings))
    # Having learned to read passages is no help for other tasks.
    return start if parts.learned else None, usable, parts


def _learned(  # noqa: PLR0913, PLR0917
    parts: Parts,
    start: Entry | None,
    surroundings: Surroundings,
    settings: RetrainSettings,
    folder: RunFolder,
    tell: Tell,
) -> Learned:
    def compute() -> Learned:
        check_adapter(surroundings.base, settings.train)
        return steps.learn(parts, start.folder if start else None, surroundings, settings, folder, tell)

    return folder.once("learned", Learned, compute)


def _register(
    run: Run, surroundings: Surroundings, registry: Registry, settings: RetrainSettings, folder: RunFolder
) -> Outcome:
    if (version := _registered_before(run.name, registry, candidate_folder(folder))) is None:
        version = _registered(run, surroundings, registry, settings, folder)
    if run.verdict.promoted:
        registry.promote(run.name, version)
    return Outcome(run.name, version, run.verdict.promoted, run.verdict.reasons, str(folder.path / REPORT))


def _registered_before(name: str, registry: Registry, candidate: Path) -> int | None:
    """The version that this candidate became before the run was killed, None if it did not come so far.

    The report, which tells when it was made, tells it from an equal candidate of another run.
    """
    if not (candidate / REPORT).is_file():
        return None
    digests = {file: digest_of((candidate / file).read_bytes()) for file in (WEIGHTS, REPORT)}
    for version in reversed(registry.versions(name)):
        with suppress(ModelError, MismatchError):  # a damaged version is none that a run has just made
            manifest = registry.get(name, version).manifest
            if manifest is not None and digests.items() <= manifest.files.items():
                return version
    return None


def _registered(
    run: Run, surroundings: Surroundings, registry: Registry, settings: RetrainSettings, folder: RunFolder
) -> int:
    number = registry.next_version(run.name)
    report = folder.write(REPORT, report_of(run, surroundings, settings, f"{run.name}@{number}"))
    with translate_errors(folder.path):
        shutil.copy(report, candidate_folder(folder) / REPORT)
    return registry.register(run.name, candidate_folder(folder), description_of(run, surroundings, settings))
