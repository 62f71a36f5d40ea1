"""What the commands retrain, train and evaluate do on the pipeline of a collection."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from answering.references import BASE
from finetune.evaluation.bootstrap import Estimate
from finetune.evaluation.cases import EXAMPLES, cases_to_ask
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.scoring import Summary
from finetune.files import ResultFolder
from finetune.pairs.feedback import feedback_source
from finetune.pairs.generate import write_pairs_on
from finetune.pairs.store import GENERATED, Dataset, together
from finetune.pairs.values import Pair
from finetune.pipeline import Contender, Pipeline
from finetune.registry.peft_folder import WEIGHTS
from finetune.report.builders import tables_of
from finetune.report.values import Table
from finetune.retrain.reports import Evaluated, evaluation_report_of, gains_of
from finetune.retrain.retraining import Retraining, require_given, require_valid, valid_pairs
from finetune.retrain.runs import REPORT, EventLog, RunRequest, RunStore
from finetune.retrain.values import OnStatus, Outcome, Status
from finetune.settings import RetrainSettings, settings_of
from finetune.split import split_pairs
from finetune.training.train import join_processes
from knowledge_base.errors import InputError
from knowledge_base.values import file_digest
from retrieval.storage import translate_errors


def require_alone() -> None:
    """InputError if this is one of several processes that were launched together."""
    if join_processes().count > 1:
        raise InputError(
            "Only `domainqa train` can run in several processes.",
            "Launch that command, or start one process.",
        )


def carry_out(
    pipeline: Pipeline, request: RunRequest, folder: ResultFolder, on_progress: OnStatus
) -> Outcome:
    """Do what is left of a retraining, which may be all of it; its outcome.

    Args:
        pipeline: of the collection that the request names.
        request: what is asked.
        folder: of the run, held by this process.
        on_progress: is called with every status, beside the log in the folder.

    Raises:
        InputError, NotFoundError: what was given cannot be used.
        ModelError, MismatchError, StorageError: see `Retraining.run`.
    """
    log = EventLog(folder.path)

    def report(status: Status) -> None:
        log(status)
        on_progress(status)

    with translate_errors(folder.path):
        pipeline.check_host()
        settings = settings_of(request.settings)
        dataset = _gathered(pipeline, request, folder, report)
        return Retraining(request.name, pipeline, settings, folder, report).run(dataset)


def gather(pipeline: Pipeline, request: RunRequest, on_progress: OnStatus) -> Dataset:
    """The pairs that a request names: generated, stored, from files and from feedback.

    Raises InputError if there are none, with what was tried.
    """
    store, corpus = pipeline.pairs, pipeline.corpus
    if request.generate:
        write_pairs_on(
            corpus,
            store,
            pipeline.generator,
            request.generate,
            lambda done, total: on_progress(Status("pairs", done, total, "writing questions")),
            settings_of(request.settings).seed,
        )
    wanted = None if request.stored else [GENERATED] if request.generate else []
    sources = [*store.sources(corpus.name, request.files, wanted)]
    if request.feedback:
        sources.append(feedback_source(pipeline.feedback()))
    dataset = together([source for source in sources if source.data.pairs or source.dropped])
    require_given(dataset)
    return dataset


def _gathered(
    pipeline: Pipeline, request: RunRequest, folder: ResultFolder, on_progress: OnStatus
) -> Dataset:
    on_progress(Status("pairs", 0, request.generate))
    return folder.once("dataset", Dataset, lambda: gather(pipeline, request, on_progress))


@dataclass(frozen=True, slots=True)
class Made:
    """The folder of an adapter that nobody has measured, and the report of its training."""

    adapter: Path
    report: Path


def train_alone(
    pipeline: Pipeline, runs: RunStore, request: RunRequest, home: Path, on_progress: OnStatus
) -> Made | None:
    """Pairs → check → split → samples → train, in a folder of HOME/trained.

    The same request continues where it was interrupted. Of several processes that were launched together only
    the first reports progress and returns what was made; the others return None.

    Raises as `Retraining.train` does, BusyError if a retraining runs in this home, InputError if several
    processes are to generate pairs.
    """
    processes = join_processes()
    if processes.count > 1 and request.generate:
        raise InputError(
            "Pairs cannot be generated in several processes.", "Run `domainqa pairs generate` first."
        )
    place = home / "trained" / f"{request.name}-{runs.fingerprint(request)[:12]}"
    folder = ResultFolder(place, keeps=processes.is_first)
    report = on_progress if processes.is_first else _silent
    with runs.alone(place.name) if folder.keeps else nullcontext(), translate_errors(place):
        settings = settings_of(request.settings)
        dataset = _gathered(pipeline, request, folder, report)
        adapter = Retraining(request.name, pipeline, settings, folder, report).train(dataset)
    return Made(adapter, place / REPORT) if processes.is_first else None


def _silent(_status: Status) -> None:
    """Another process reports."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of contenders on `cases` cases, the gain in F1 of each adapter over each base, the report.

    `groups` are the summaries by language and by kind of question.
    """

    cases: int
    summaries: Mapping[str, Summary]
    groups: tuple[Table, ...]
    gains: Mapping[tuple[str, str], Estimate]
    report: Path


def evaluate_adapters(  # noqa: PLR0913, PLR0917 - who, on what, where
    pipeline: Pipeline,
    request: RunRequest,
    adapters: Sequence[str],
    everything: bool,
    place: Path,
    on_progress: OnStatus,
) -> Figures:
    """Ask the base, the base with worked examples, and adapters the test pairs of a request.

    What was answered before, by the same contender from the same documents, is not asked again.

    Args:
        pipeline: whose answering is measured.
        request: where the pairs come from, and the settings that hold out.
        adapters: "bank", "bank@3"; without any the one that answers now.
        everything: asks all pairs, also those that would be trained on.
        place: the folder of answers and report.
        on_progress: is called with each contender's progress.

    Raises:
        InputError: there are no pairs to ask. NotFoundError: there is no such adapter.
        MismatchError: one was made for another base or prompt.
    """
    settings = settings_of(request.settings)
    wanted = [name for name in adapters if name != BASE]
    if not adapters and pipeline.live:
        wanted = [pipeline.live]
    entries = [pipeline.registry.find(name) for name in wanted]
    for entry in entries:
        pipeline.adapters.serve(entry)
    contenders = [Contender(BASE, examples=False), Contender(EXAMPLES)]
    contenders += [Contender(entry.reference, entry.reference) for entry in entries]
    dataset = gather(pipeline, request, on_progress)
    on_progress(Status("check", 0, len(dataset.pairs)))
    valid = valid_pairs(dataset, pipeline, settings)
    require_valid(replace(valid, tasks=()))
    cases = cases_to_ask(
        pairs_to_test(valid.pairs, settings, everything), settings.test_questions, settings.seed
    )
    with translate_errors(place):
        weights = {entry.reference: file_digest(entry.folder / WEIGHTS) for entry in entries}
    scored = evaluate(
        cases,
        {contender.name: pipeline.ask(contender) for contender in contenders},
        lambda label, done, total: on_progress(Status("evaluate", done, total, label)),
        place / f"{pipeline.corpus.name}.jsonl",
        {one.name: f"{pipeline.digest}\0{one}\0{weights.get(one.name, '')}" for one in contenders},
    )
    gains = gains_of(scored, list(weights))
    page = evaluation_report_of(Evaluated(dataset, valid.dropped, scored, weights, gains), pipeline, settings)
    report = ResultFolder(place).write(f"{pipeline.corpus.name}.html", page)
    everyone, *groups = tables_of(scored)
    return Figures(len(cases), everyone.summaries, tuple(groups), gains, report)


def pairs_to_test(
    pairs: Sequence[Pair], settings: RetrainSettings, everything: bool = False
) -> tuple[Pair, ...]:
    """The pairs that a retraining with these settings would test with; all if all are meant for that."""
    if everything or all(pair.split == "test" for pair in pairs):
        return tuple(replace(pair, split="test") for pair in pairs)
    return split_pairs(pairs, settings.test_share, settings.seed).test
