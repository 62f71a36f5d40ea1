"""From pairs to a verdict: check → split → samples → train → calibrate → evaluate → judge → register.

Every step leaves its result in the run's folder, so that a killed run continues in the step it was in. The
live adapter is not touched before a version that passed the gate is complete in the registry.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from answering.sufficiency import SIGNALS
from finetune.evaluation.calibration import choose_reading, curve, fit
from finetune.evaluation.cases import (
    BASE,
    CANDIDATE,
    EXAMPLES,
    LIVE,
    NO_CONTEXT,
    Case,
    case_of_task,
    cases_of,
    cases_to_ask,
    draw,
)
from finetune.evaluation.evaluate import evaluate
from finetune.evaluation.forgetting import measure_forgetting
from finetune.evaluation.promotion import Verdict, judge
from finetune.files import ResultFolder
from finetune.pairs.check import check_pairs
from finetune.pairs.store import Dataset
from finetune.pairs.values import Dropped
from finetune.pipeline import Contender, Pipeline
from finetune.reasons import Reason, ReasonKind
from finetune.registry.entry import Entry, check_fits
from finetune.registry.manifest import AdapterReading
from finetune.registry.peft_folder import WEIGHTS
from finetune.report.words import dropped_line, sentence_of
from finetune.retrain.reports import description_of, report_of, training_report_of
from finetune.retrain.runs import REPORT
from finetune.retrain.values import (
    Calibrated,
    OnStatus,
    Outcome,
    Run,
    Status,
    Step,
    TestResults,
    TrainedAdapter,
)
from finetune.samples import samples_of, task_samples
from finetune.settings import RetrainSettings, TrainSettings
from finetune.split import Splits, ValidPairs, splits_of
from finetune.training.forgetting import TextLosses
from finetune.training.network import choose_targets
from finetune.training.train import ADAPTER, train
from finetune.training.values import Base, Progress
from knowledge_base.errors import InputError, MismatchError, ModelError
from knowledge_base.values import digest_of
from retrieval.prompt import PROMPT_VERSION
from retrieval.storage import translate_errors

DROPPED = "dropped.jsonl"

_SHOWN_REASONS = 3

# The signals of a calibration: "scored" with the reader's refusal log-probability, "unscored" without.
_SIGNALS = {"scored": SIGNALS, "unscored": tuple(name for name in SIGNALS if name != "certainty")}
_MODES: dict[str, ReasonKind] = {
    "compressed": "reads_compressed",
    "each": "reads_each",
    "together": "reads_together",
}


@dataclass(frozen=True, slots=True)
class Retraining:
    """One retraining of the adapter `name`: what answers now, the options, where results are kept.

    `on_progress` is called with the status of every step.
    """

    name: str
    pipeline: Pipeline
    settings: RetrainSettings
    folder: ResultFolder
    on_progress: OnStatus

    @property
    def candidate(self) -> Path:
        """The folder of the adapter, as PEFT saved it, once it is trained."""
        return self.folder.path / "training" / ADAPTER

    def run(self, dataset: Dataset) -> Outcome:
        """Train a candidate, measure it, and promote it if it is better with statistical confidence.

        Called again with the same folder after an interruption, it continues. A candidate that is not
        better is registered as rejected, with its reasons: that is a successful run.

        Raises:
            InputError: if there are too few pairs, or none that can be used.
            ModelError, StorageError: as training and saving do; the live adapter stays.
        """
        if done := self.folder.load("outcome", Outcome):
            return done
        start, valid, splits = self._prepare(dataset)
        trained = self._train(splits, start)
        calibrated = self.folder.once("calibrated", Calibrated, lambda: self._calibrate(splits))
        results = self._test(splits, calibrated.reading)
        self._report("judge", 0, 1)
        verdict = self._judge(splits, results)
        run = Run(self.name, start, dataset, valid, splits, trained, calibrated, results, verdict)
        self._report("register", 0, 1)
        outcome = self._register(run)
        self.folder.store("outcome", outcome)
        self._report("register", 1, 1)
        return outcome

    def train(self, dataset: Dataset) -> Path:
        """The first half of `run`: an adapter that nobody has measured; returns its folder.

        It also writes a report into the run's folder. Called again after an interruption, it continues.
        Processes that were launched together call it alike, and share the training. Raises as `run` does.
        """
        start, valid, splits = self._prepare(dataset)
        trained = self._train(splits, start)
        page = training_report_of(
            self.name, self.candidate, dataset, valid, splits, trained, self.pipeline, self.settings
        )
        self.folder.write(REPORT, page)
        return self.candidate

    def _report(self, step: Step, done: int, total: int, note: str = "") -> None:
        self.on_progress(Status(step, done, total, note))

    def _prepare(self, dataset: Dataset) -> tuple[Entry | None, ValidPairs, Splits]:
        """The adapter to start from, the pairs that can be used, and what each is for."""
        require_given(dataset)
        start = check_same(self.pipeline, self.settings, self.folder)
        self._report("check", 0, len(dataset.pairs))
        valid = self.folder.once(
            "valid", ValidPairs, lambda: valid_pairs(dataset, self.pipeline, self.settings)
        )
        require_valid(valid)
        self._report("split", 0, len(valid.pairs))
        splits = self.folder.once("splits", Splits, lambda: splits_of(valid, self.settings))
        # Having learned to read passages is no help for other tasks.
        return start if splits.train else None, valid, splits

    def _train(self, splits: Splits, start: Entry | None) -> TrainedAdapter:
        """Make samples of the training pairs and train on them; `start` is the adapter to continue."""

        def compute() -> TrainedAdapter:
            base = replace(self.pipeline.trainable, start=start.folder if start else None)
            check_adapter(base, self.settings)
            made = samples_of(
                splits.train,
                self.pipeline.corpus,
                self.pipeline.generator.count_tokens,
                self.settings,
                lambda done, total: self._report("samples", done, total),
            )
            samples = (*made.samples, *task_samples(splits.train_tasks))
            # The documents of the training pairs; those of the test pairs are never read.
            documents = {place.document for pair in splits.train for place in pair.evidence}
            texts = [self.pipeline.corpus.texts[document] for document in sorted(documents)]
            place = self.folder.path / "training"
            trained = train(samples, base, self.settings, place, self._report_training, texts)
            return TrainedAdapter(Counter(sample.kind for sample in samples), made.dropped, trained)

        return self.folder.once("trained", TrainedAdapter, compute)

    def _report_training(self, progress: Progress) -> None:
        speed = f"{progress.tokens_per_second:.0f} tokens/s"
        losses = (progress.loss, progress.dev_loss, progress.seconds_left)
        self.on_progress(Status("train", progress.step, progress.steps, speed, *losses))

    def _calibrate(self, splits: Splits) -> Calibrated:
        """Fit when to refuse, and choose the reading mode: passages one by one, whole or cut, or together.

        Cut to the sentences nearest to the question, a passage keeps a small model to the right row of a
        table. Where there are too few questions for that, the candidate refuses as the base does; the gate
        will judge.
        """
        if not splits.calibration:
            return Calibrated(AdapterReading(), None, (Reason("reads_nothing"),))
        pairs = draw(splits.calibration, self.settings.calibration_questions, self.settings.seed)
        plain = Contender(CANDIDATE, self.candidate)

        def calibrated(mode: str, reading: AdapterReading) -> Calibrated:
            reads = self.pipeline.reads(
                replace(plain, reading=reading),
                pairs,
                lambda done, total: self._report("calibrate", done, total, f"refusals ({mode})"),
            )
            try:
                fitted = {
                    kind: fit(reads, names, self.settings.wrong_refusals) for kind, names in _SIGNALS.items()
                }
            except InputError as error:
                return Calibrated(reading, None, (Reason("refuses_as_base", {"cause": error.cause}),))
            held_out = fitted["scored"].held_out
            points = curve(
                [entry.confidence for entry in held_out if entry.answerable],
                [entry.confidence for entry in held_out if not entry.answerable],
            )
            calibrations = {kind: entry.calibration for kind, entry in fitted.items()}
            return Calibrated(reading.model_copy(update={"calibrations": calibrations}), points, ())

        each = calibrated("each", AdapterReading(mode="each"))
        answerable = [case for case in cases_of(pairs, 0.0) if case.answerable]
        cases = draw(answerable, self.settings.mode_questions, self.settings.seed)
        if not cases:
            return replace(each, reasons=(*each.reasons, Reason("reads_uncompared")))
        modes = {
            "compressed": calibrated(
                "compressed", AdapterReading(mode="each", kept_sentences=self.settings.kept_sentences)
            ),
            "each": each,
            "together": replace(each, reading=each.reading.model_copy(update={"mode": "together"})),
        }
        return self._best_mode(modes, cases, plain)

    def _best_mode(
        self, modes: Mapping[str, Calibrated], cases: Sequence[Case], plain: Contender
    ) -> Calibrated:
        scored = evaluate(
            cases,
            {name: self.pipeline.ask(replace(plain, reading=mode.reading)) for name, mode in modes.items()},
            lambda label, done, total: self._report("calibrate", done, total, label),
            self.folder.path / "modes.jsonl",
            {name: mode.reading.model_dump_json() for name, mode in modes.items()},
        )
        choice = choose_reading({name: [entry.f1 for entry in entries] for name, entries in scored.items()})
        chosen = modes[choice.way]
        reason = Reason(_MODES[choice.way], {"gain": choice.gain.mean, "count": len(cases)})
        return replace(chosen, reasons=(*chosen.reasons, reason))

    def _test(self, splits: Splits, reading: AdapterReading) -> TestResults:
        """Ask every contender the test questions; what was answered before an interruption is kept."""
        contenders = self._contenders(reading)
        cases = cases_to_ask(splits.test, self.settings.test_questions, self.settings.seed)
        if not splits.test:
            cases = [case_of_task(task) for task in splits.test_tasks]
            contenders = [one for one in contenders if one.context and one.name != EXAMPLES]
        scored = evaluate(
            cases,
            {contender.name: self.pipeline.ask(contender) for contender in contenders},
            lambda label, done, total: self._report("evaluate", done, total, label),
            self.folder.path / "answers.jsonl",
            {contender.name: f"{self.pipeline.digest}\0{contender}" for contender in contenders},
        )
        self._report("evaluate", len(cases), len(cases), "general text")
        losses = TextLosses(self.pipeline.trainable, self.candidate)
        return TestResults(scored, measure_forgetting(losses.of_base, losses.of_adapted))

    def _contenders(self, reading: AdapterReading) -> list[Contender]:
        """Who is compared, in the order of the report."""
        candidate = Contender(CANDIDATE, self.candidate, reading)
        rivals = [Contender(BASE, examples=False), Contender(EXAMPLES)]
        if (live := self.pipeline.live) is not None:
            rivals.append(Contender(LIVE, live))
        return [*rivals, candidate, replace(candidate, name=NO_CONTEXT, context=False)]

    def _judge(self, splits: Splits, results: TestResults) -> Verdict:
        """What the gate says; tasks need no questions that must be refused."""
        limits = self.settings if splits.test else self.settings.model_copy(update={"min_unanswerable": 0})
        others = {name: scored for name, scored in results.scored.items() if name != CANDIDATE}
        return judge(results.scored[CANDIDATE], others, results.forgetting.rise, limits)

    def _register(self, run: Run) -> Outcome:
        registry = self.pipeline.registry
        version = self._registered_before()
        if version is None:
            reference = f"{self.name}@{registry.next_version(self.name)}"
            dropped = (*run.valid.dropped, *run.splits.dropped, *run.trained.dropped)
            lines = (json.dumps(dropped_line(entry), ensure_ascii=False) + "\n" for entry in dropped)
            self.folder.write(DROPPED, "".join(lines))
            report = self.folder.write(REPORT, report_of(run, self.pipeline, self.settings, reference))
            with translate_errors(self.folder.path):
                shutil.copy(report, self.candidate / REPORT)
            description = description_of(run, self.pipeline, self.settings)
            version = registry.register(self.name, self.candidate, description)
        if run.verdict.promoted:
            registry.promote(self.name, version)
        report = self.folder.path / REPORT
        return Outcome(self.name, version, run.verdict.promoted, run.verdict.reasons, str(report))

    def _registered_before(self) -> int | None:
        """The version that this candidate became before the run was killed, None if it did not come so far.

        The report, which says when it was made, distinguishes it from an equal candidate of another run.
        """
        if not (self.candidate / REPORT).is_file():
            return None
        registry = self.pipeline.registry
        digests = {file: digest_of((self.candidate / file).read_bytes()) for file in (WEIGHTS, REPORT)}
        for version in reversed(registry.versions(self.name)):
            with suppress(ModelError, MismatchError):  # a damaged version is none that a run has just made
                manifest = registry.get(self.name, version).manifest
                if manifest is not None and digests.items() <= manifest.files.items():
                    return version
        return None


def valid_pairs(dataset: Dataset, pipeline: Pipeline, settings: RetrainSettings) -> ValidPairs:
    """The pairs that can be used; every other one has its reason."""
    corpus = pipeline.corpus
    checked = check_pairs(dataset.pairs, settings, corpus.texts, corpus.find)
    return ValidPairs(checked.kept, dataset.tasks, (*dataset.dropped, *checked.dropped))


@dataclass(frozen=True, slots=True)
class Basis:
    """What all results in a run's folder depend on; `start` names the adapter it continues, "" for none."""

    base: str
    start: str
    prompt_version: int
    settings: str


def check_same(pipeline: Pipeline, settings: RetrainSettings, folder: ResultFolder) -> Entry | None:
    """The adapter that the run continues, as it was when the run started; None for the base.

    Raises MismatchError if the run was started with another base, prompt or settings than now, and what
    `Registry.find` and `check_fits` raise of a version that does not exist or does not fit the base.
    """
    digest = digest_of(json.dumps(settings.plain()).encode())
    base = pipeline.base_digest
    begun = folder.once(
        "basis", Basis, lambda: Basis(base, _start(pipeline, settings), PROMPT_VERSION, digest)
    )
    for what, before, now in (
        ("base model", begun.base, base),
        ("version of the prompt", begun.prompt_version, PROMPT_VERSION),
        ("settings", begun.settings, digest),
    ):
        if before != now:
            raise MismatchError(
                f"The retraining in {folder.path} was started with another {what}.",
                "Start a new one, or restore what it was started with.",
            )
    return pipeline.registry.find(begun.start) if begun.start else None


def _start(pipeline: Pipeline, settings: RetrainSettings) -> str:
    """The reference of the adapter that the settings continue, "" for the base."""
    if settings.start == LIVE:
        return pipeline.live or ""
    if settings.start == BASE:
        return ""
    entry = pipeline.registry.find(settings.start)
    check_fits(entry, pipeline.base_digest, PROMPT_VERSION)
    return entry.reference


def check_adapter(base: Base, settings: TrainSettings) -> None:
    """Look whether the adapter fits the base, without loading a weight; see `choose_targets`.

    Raises InputError for layers that the model lacks or a rank that is too large, ModelError if the folder is
    no causal language model.
    """
    try:
        config = AutoConfig.from_pretrained(base.folder, local_files_only=True)
        with torch.device("meta"):
            network = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(
            f"The model in {base.folder} cannot be adapted: {error}",
            "Use the folder of a causal language model with config and safetensors weights.",
        ) from error
    choose_targets(network, settings.targets, settings.rank)


def require_given(dataset: Dataset) -> None:
    """InputError, with the reasons, unless there is a pair or task to train on."""
    if not dataset.pairs and not dataset.tasks:
        raise InputError(
            f"There is nothing to train on{_why(dataset.dropped)}.",
            "Give question–answer pairs with --pairs, collect feedback, or generate some with --generate.",
        )


def require_valid(valid: ValidPairs) -> None:
    """InputError, with the reasons, unless some pair or task passed the checks."""
    if not valid.pairs and not valid.tasks:
        raise InputError(
            f"None of the {len(valid.dropped)} pairs can be used{_why(valid.dropped)}.",
            "Correct them; `domainqa pairs check FILE` lists what is wrong with each.",
        )


def _why(dropped: Sequence[Dropped]) -> str:
    shown = [f"{entry.origin}: {sentence_of(entry.reason)}" for entry in dropped[:_SHOWN_REASONS]]
    more = f"; and {len(dropped) - len(shown)} more" if len(dropped) > len(shown) else ""
    return f" ({'; '.join(shown)}{more})" if shown else ""
