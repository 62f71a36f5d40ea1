"""What would fail only after hours is looked at first: pairs, adapter and base, and whose run it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from finetune.evaluation.cases import BASE, LIVE
from finetune.files import ResultFolder
from finetune.pairs.store import Dataset
from finetune.pairs.values import Dropped
from finetune.pipeline import Pipeline
from finetune.registry.entry import Entry, check_fits
from finetune.report.words import sentence_of
from finetune.settings import RetrainSettings, TrainSettings
from finetune.split import ValidPairs
from finetune.training.network import choose_targets
from finetune.training.values import Base
from knowledge_base.errors import InputError, MismatchError, ModelError
from knowledge_base.values import digest_of
from retrieval.prompt import PROMPT_VERSION

_SHOWN_REASONS = 3


@dataclass(frozen=True, slots=True)
class Basis:
    """What all results in a run's folder depend on; `start` names the adapter it goes on from, "" is none."""

    base: str
    start: str
    prompt_version: int
    settings: str


def check_same(pipeline: Pipeline, settings: RetrainSettings, folder: ResultFolder) -> Entry | None:
    """The adapter that the run goes on from, as it was when the run was begun; None begins on the base.

    Raises MismatchError if the folder was begun with another base, prompt or settings than now, and what
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
    """The reference of what the settings go on from, "" for the base."""
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
    """InputError unless there is something to learn from; tells why what there was could not be read."""
    if not dataset.pairs and not dataset.tasks:
        raise InputError(
            f"There is nothing to train on{_why(dataset.dropped)}.",
            "Give question–answer pairs with --pairs, collect feedback, or generate some with --generate.",
        )


def require_valid(valid: ValidPairs) -> None:
    """InputError unless some pair or task passed the checks; tells what is wrong with the others."""
    if not valid.pairs and not valid.tasks:
        raise InputError(
            f"None of the {len(valid.dropped)} pairs can be used{_why(valid.dropped)}.",
            "Correct them; `domainqa pairs check FILE` lists what is wrong with each.",
        )


def _why(dropped: Sequence[Dropped]) -> str:
    shown = [f"{entry.origin}: {sentence_of(entry.reason)}" for entry in dropped[:_SHOWN_REASONS]]
    more = f"; and {len(dropped) - len(shown)} more" if len(dropped) > len(shown) else ""
    return f" ({'; '.join(shown)}{more})" if shown else ""
