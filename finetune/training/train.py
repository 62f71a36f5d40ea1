"""Trains one adapter: from samples to a PEFT folder, resumable, in one process or several."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from torch import distributed, nn
from transformers import AutoTokenizer, PreTrainedModel

from answering.generation.encoding import Encoder
from finetune.files import model_digest
from finetune.general_text import general_texts
from finetune.settings import TrainSettings
from finetune.training import checkpoint
from finetune.training.checkpoint import Course, Tensors, trained_parameters
from finetune.training.forgetting import PIECE, divergence, scale_down, text_loss
from finetune.training.network import adapted, continued, load_base, plain_loss, sequence_loss
from finetune.training.packing import Encoded, PrefixTree, pack_sequence
from finetune.training.plan import Plan, Sequences, learning_rate, plan_of
from finetune.training.saving import probe_of, save_adapter, verify
from finetune.training.values import Base, OnProgress, Point, Progress, Sample, Trained, silent
from knowledge_base.errors import StorageError
from knowledge_base.values import digest_of
from retrieval.prompt import LANGUAGES


@dataclass(frozen=True, slots=True)
class Processes:
    """How many processes train together, and which of them this is, as the launcher says."""

    count: int = 1
    number: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this one writes files and shows progress."""
        return self.number == 0

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gradients become the sum over all processes; one that had nothing to compute adds zero."""
        if self.count == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            distributed.all_reduce(parameter.grad)

    def total(self, value: float, device: torch.device) -> float:
        """The sum of one number over all processes."""
        if self.count == 1:
            return value
        held = torch.tensor(value, dtype=torch.float32, device=device)
        distributed.all_reduce(held)
        return float(held)

    def wait(self) -> None:
        """Until all have come this far."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()


def join_processes() -> Processes:
    """The processes that were launched together; alone if none were."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:  # set by the launcher, not by people
        return ALONE
    from accelerate import PartialState

    state = PartialState(cpu=not torch.cuda.is_available())
    return Processes(state.num_processes, state.process_index)


ADAPTER = "adapter"

# Losses of a packed sequence and of its samples alone agree to this share if the model supports packing.
_AGREEMENT = 0.02
_LARGEST_GRADIENT = 1.0


def train(
    samples: Sequence[Sample],
    base: Base,
    settings: TrainSettings,
    folder: Path,
    progress: OnProgress = silent,
    texts: Sequence[str] = (),
) -> Trained:
    """Train an adapter into `folder`/adapter, an ordinary PEFT folder.

    On plain `texts` the KL divergence from the base model is kept small, so that it forgets less.

    After an interruption it continues from the last checkpoint in `folder` when it is called again with the
    same arguments, and the result is the same. Processes started by `accelerate launch` or `torchrun` share
    the sequences of each step and give the adapter that one process would.

    Raises:
        InputError: if no sample fits, or the settings do not fit the model.
        ModelError: if the base cannot be loaded.
        StorageError: if a checkpoint or the adapter cannot be written.
    """
    processes = join_processes()
    model, plan, trained = fit(samples, base, settings, folder, processes, progress, texts)
    if processes.is_first:
        save_adapter(model, base.id, folder / ADAPTER)
        verify(probe_of(model, base.folder, folder / ADAPTER, _probe_ids(plan)), folder)
    processes.wait()
    return trained


def fit(  # noqa: PLR0913, PLR0917 - as `train`, and who shares the work
    samples: Sequence[Sample],
    base: Base,
    settings: TrainSettings,
    folder: Path,
    processes: Processes = ALONE,
    progress: OnProgress = silent,
    texts: Sequence[str] = (),
) -> tuple[PeftModel, Plan, Trained]:
    """`train` without writing the adapter: the model with its best weights, the plan, what came of it."""
    tokenizer = AutoTokenizer.from_pretrained(base.folder, local_files_only=True)
    encoder = Encoder(tokenizer, base.context)
    plan = plan_of(samples, encoder, settings, texts)
    network = load_base(base.folder, base.device, settings.four_bit)
    if base.start is None:
        model = adapted(network, settings)
    else:
        model = continued(network, base.start)
        plan = replace(plan, digest=digest_of(f"{plan.digest} {model_digest(base.start)}".encode()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be created: {error}.", "Choose a folder that can be written."
        ) from error
    course = _Run(model, network, plan, settings, folder, processes, progress).train()
    plain = [text for language in LANGUAGES for text in general_texts("shrink", language)]
    scale = scale_down(model.train(False), lambda: text_loss(network, encoder, plain), settings.forget_limit)
    trained = Trained(tuple(course.curve), course.best_loss, course.step, course.seconds, plan.refused, scale)
    return model, plan, trained


class _Run:
    """One course of training over a plan."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it is made of, once
        self,
        model: PeftModel,
        network: PreTrainedModel,
        plan: Plan,
        settings: TrainSettings,
        folder: Path,
        processes: Processes,
        progress: OnProgress,
    ) -> None:
        self._processes = processes
        self._model, self._network = model, network
        self._plan, self._settings, self._folder = plan, settings, folder
        self._progress = progress
        self._optimizer = torch.optim.AdamW(trained_parameters(model).values(), weight_decay=0.0)
        self._loss = self._loss_that_fits()
        self._tokens, self._begun = 0, time.monotonic()
        self._best: Tensors = {}

    def train(self) -> Course:
        """Go through the plan from where the last checkpoint left it; the best weights stay."""
        course, self._best = checkpoint.restore(self._folder, self._plan.digest, self._model, self._optimizer)
        self._model.train()
        started = saved = time.monotonic() - course.seconds
        while course.step < len(self._plan.steps) and course.worse_since < self._settings.patience:
            loss = self._learn(course.step)
            course.step += 1
            course.seconds = time.monotonic() - started
            self._measure(course, loss)
            self._tell(course)
            if course.seconds + started - saved > self._settings.checkpoint_seconds:
                self._save(course)
                saved = time.monotonic()
        self._save(course)
        if self._best:
            checkpoint.load_weights(self._model, self._best)
        return course

    def _learn(self, step: int) -> float:
        """One change of the weights; returns the loss before it, in nats per reply token."""
        # The step decides dropout, so that a resumed run continues as an uninterrupted one would.
        torch.manual_seed(_seed_of(self._settings.seed, step, self._processes.number))
        sequences = self._plan.steps[step]
        tokens = _reply_tokens(sequences)
        total = 0.0
        for sequence in sequences[self._processes.number :: self._processes.count]:
            loss = self._loss(sequence) / tokens
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
            self._tokens += sum(tree.length for tree in sequence)
        self._keep(step)
        parameters = list(trained_parameters(self._model).values())
        self._processes.add_up(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, _LARGEST_GRADIENT)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(step, len(self._plan.steps), self._settings)
        self._optimizer.step()
        self._optimizer.zero_grad()
        return self._processes.total(total, self._network.device)

    def _keep(self, step: int) -> None:
        """Add the gradient that holds the model to its own predictions on plain text."""
        pieces = self._plan.kept[step]
        mine = pieces[self._processes.number :: self._processes.count]
        if mine:
            share = self._settings.kl_weight / (len(pieces) * PIECE)
            (divergence(self._model, self._network, mine) * share).backward()  # type: ignore[no-untyped-call]
            self._tokens += len(mine) * PIECE

    def _measure(self, course: Course, loss: float) -> None:
        due = course.step % self._plan.measure_every == 0 or course.step == len(self._plan.steps)
        if not due or not self._plan.dev:
            course.curve.append(Point(course.step, loss))
            return
        dev_loss = self._dev_loss()
        course.curve.append(Point(course.step, loss, dev_loss))
        if course.best_loss is None or dev_loss < course.best_loss:
            course.best_loss, course.worse_since = dev_loss, 0
            self._best = {n: v.detach().clone() for n, v in trained_parameters(self._model).items()}
        else:
            course.worse_since += 1

    @torch.no_grad()
    def _dev_loss(self) -> float:
        self._model.train(False)
        mine = self._plan.dev[self._processes.number :: self._processes.count]
        loss = self._processes.total(
            sum(float(self._loss(sequence)) for sequence in mine), self._network.device
        )
        self._model.train()
        return loss / _reply_tokens(self._plan.dev)

    def _tell(self, course: Course) -> None:
        if not self._processes.is_first:
            return
        last = course.curve[-1]
        each = course.seconds / course.step
        left = each * (len(self._plan.steps) - course.step)
        speed = self._tokens / max(time.monotonic() - self._begun, 1e-9)
        self._progress(Progress(course.step, len(self._plan.steps), last.loss, last.dev_loss, speed, left))

    def _save(self, course: Course) -> None:
        if self._processes.is_first:
            checkpoint.save(self._folder, self._plan.digest, course, self._model, self._optimizer, self._best)

    def _loss_that_fits(self) -> Callable[[tuple[PrefixTree, ...]], torch.Tensor]:
        """Packed sequences, or sample by sample for a model that does not support our masks."""
        return self._of_sequence if self._reads_packed() else self._of_samples

    @torch.no_grad()
    def _reads_packed(self) -> bool:
        self._model.train(False)
        trees = self._plan.steps[0][0]
        alone = float(self._of_samples(trees))
        try:
            together = float(self._of_sequence(trees))
        except (ValueError, TypeError, RuntimeError, KeyError):  # its own idea of masks or positions
            return False
        return abs(together - alone) <= _AGREEMENT * abs(alone)

    def _of_sequence(self, trees: tuple[PrefixTree, ...]) -> torch.Tensor:
        return sequence_loss(self._network, pack_sequence(trees))

    def _of_samples(self, trees: tuple[PrefixTree, ...]) -> torch.Tensor:
        losses = [plain_loss(self._model, self._network, sample) for sample in _samples(trees)]
        return torch.stack(losses).sum()


def _probe_ids(plan: Plan) -> tuple[int, ...]:
    """Tokens of the first sample, which the adapter was trained on."""
    (first, *_) = _samples(plan.steps[0][0])
    return first.prompt


def _samples(trees: tuple[PrefixTree, ...]) -> list[Encoded]:
    return [sample for tree in trees for sample in tree.samples]


def _reply_tokens(sequences: Sequences) -> int:
    return sum(len(sample.reply) for sequence in sequences for sample in _samples(sequence))


def _seed_of(*parts: int) -> int:
    """One seed from several numbers, the same in every version of Python."""
    (seed,) = np.random.SeedSequence(parts).generate_state(1, np.uint64)
    return int(seed) >> 1  # torch takes signed numbers
