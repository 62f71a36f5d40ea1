"""Steps of a retraining that somebody wants alone: an adapter without a verdict, figures of adapters."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from app.retraining.evaluation_page import Asked, evaluation_page, gains_of
from app.retraining.options import settings_of
from app.retraining.surroundings import WorkspaceSurroundings
from app.retraining.values import RunRequest
from app.retraining.worker import gather
from app.workspace import Workspace
from finetune.evaluation.bootstrap import Estimate
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.scoring import Summary
from finetune.evaluation.values import BASE, EXAMPLES
from finetune.pairs.values import Pair
from finetune.registry.entry import Entry
from finetune.registry.peft_folder import WEIGHTS
from finetune.report.comparisons import summaries_of
from finetune.retrain import steps
from finetune.retrain.folder import RunFolder
from finetune.retrain.loop import REPORT, learn
from finetune.retrain.measure import cases_to_ask, seen_by
from finetune.retrain.preflight import require_usable
from finetune.retrain.values import Contender, Given, RetrainSettings, Status, Tell
from finetune.split import split_pairs
from finetune.training.processes import join_processes
from knowledge_base.errors import InputError
from knowledge_base.values import file_digest
from retrieval.storage import translate_errors


@dataclass(frozen=True, slots=True)
class Figures:
    """What contenders reached on so many cases, the gain in F1 of each adapter over each base, the report."""

    cases: int
    summaries: Mapping[str, Summary]
    gains: Mapping[tuple[str, str], Estimate]
    report: Path


@dataclass(frozen=True, slots=True)
class Made:
    """The folder of an adapter that nobody has measured, and the report of its training."""

    adapter: Path
    report: Path


def train_alone(workspace: Workspace, request: RunRequest, tell: Tell) -> Made | None:
    """Pairs → check → split → samples → train.

    The same request goes on where it was interrupted. Of several processes that were launched together only
    the first tells how far it is, and returns what was made; the others return None.

    Raises as `finetune.retrain.loop.learn` does, BusyError if a retraining runs in this home, InputError if
    several processes are to generate pairs.
    """
    processes = join_processes()
    if processes.count > 1 and request.generate:
        raise InputError(
            "Several processes cannot generate pairs together.", "First: domainqa pairs generate"
        )
    if processes.is_first:
        folder = RunFolder(_place(workspace, request))
        return Made(_trained(workspace, request, tell, folder), folder.path / REPORT)
    _trained(workspace, request, _silent, RunFolder(_place(workspace, request), keeps=False))
    return None


def _place(workspace: Workspace, request: RunRequest) -> Path:
    mark = workspace.runs.fingerprint(request)[:12]
    return workspace.settings.home / "trained" / f"{request.name}-{mark}"


def _silent(_status: Status) -> None:
    """Another process tells."""


def _trained(workspace: Workspace, request: RunRequest, tell: Tell, folder: RunFolder) -> Path:
    settings = settings_of(request.settings)
    alone = workspace.runs.alone(folder.path.name) if folder.keeps else nullcontext()
    with alone, translate_errors(folder.path):
        surroundings = WorkspaceSurroundings(workspace, request.collection)
        tell(Status("pairs", 0, request.generate))
        given = folder.once("given", Given, lambda: gather(workspace, request, tell, settings.seed))
        return learn(request.name, given, surroundings, settings, folder.path, tell)


def evaluate_adapters(
    workspace: Workspace, request: RunRequest, adapters: Sequence[str], everything: bool, tell: Tell
) -> Figures:
    """Ask the base, the base with worked examples, and adapters the held-out pairs of a request.

    What was answered before, by the same contender from the same documents, is not asked again.

    Args:
        workspace: whose answering is measured.
        request: where the pairs come from, and the settings that hold out.
        adapters: "bank", "bank@3"; without any the one that answers now.
        everything: asks all pairs, also those that would be trained on.
        tell: is told each contender's progress.

    Raises:
        InputError: there are no pairs to ask. NotFoundError: there is no such adapter.
        MismatchError: one was made for another base or prompt.
    """
    settings = settings_of(request.settings)
    surroundings = WorkspaceSurroundings(workspace, request.collection)
    wanted = [name for name in adapters if name != BASE]
    if not adapters and surroundings.live:
        wanted = [surroundings.live]
    entries = [workspace.registry.find(name) for name in wanted]
    for entry in entries:
        workspace.served().serve(entry)
    contenders = [Contender(BASE, examples=False), Contender(EXAMPLES)]
    contenders += [Contender(entry.reference, entry.reference) for entry in entries]
    given = gather(workspace, request, tell, settings.seed)
    tell(Status("check", 0, len(given.pairs)))
    usable = steps.check(given, surroundings, settings)
    require_usable(usable.pairs, usable.dropped)
    cases = cases_to_ask(held_out(usable.pairs, settings, everything), settings)
    seen = f"{seen_by(surroundings)}\0{_asked_by(workspace)}"
    stamps = {entry.reference: _stamp(entry) for entry in entries}
    place = workspace.settings.home / "evaluations"
    evaluation = evaluate(
        cases,
        {contender.name: surroundings.ask(contender) for contender in contenders},
        lambda label, done, total: tell(Status("evaluate", done, total, label)),
        place / f"{request.collection}.jsonl",
        {one.name: f"{seen}\0{one}\0{stamps.get(one.name, '')}" for one in contenders},
    )
    measured = Asked(given, usable.dropped, evaluation.scored, gains_of(evaluation.scored, list(stamps)))
    page = evaluation_page(request.collection, measured, stamps, surroundings, settings)
    summaries = summaries_of(evaluation.scored)
    report = RunFolder(place).write(f"{request.collection}.html", page)
    return Figures(len(cases), summaries, measured.gains, report)


def held_out(pairs: Sequence[Pair], settings: RetrainSettings, everything: bool = False) -> tuple[Pair, ...]:
    """The pairs that a retraining with these settings would hold out; all if all are meant for that."""
    if everything or all(pair.split == "heldout" for pair in pairs):
        return tuple(replace(pair, split="heldout") for pair in pairs)
    return split_pairs(pairs, settings.heldout, settings.seed).heldout


def _asked_by(workspace: Workspace) -> str:
    """What replies depend on beside documents, base and adapter."""
    told = workspace.settings
    return repr(
        (told.embedder, told.reranker, told.chunk_tokens, told.depth, told.read_k, told.max_new_tokens)
    )


def _stamp(entry: Entry) -> str:
    with translate_errors(entry.folder):
        return file_digest(entry.folder / WEIGHTS)
