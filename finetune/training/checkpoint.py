"""Checkpoints, from which an interrupted training continues: everything that changes, written as a whole."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from finetune.training.values import Point
from knowledge_base.errors import StorageError

FILE_NAME = "checkpoint.safetensors"
Tensors = dict[str, torch.Tensor]


@dataclass(slots=True)
class Course:
    """What is known of a run so far: steps done, its curve, and its best measurement."""

    step: int = 0
    curve: list[Point] = field(default_factory=list)
    best_loss: float | None = None
    worse_since: int = 0
    seconds: float = 0.0


def trained_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The adapter's weights by name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def save(  # noqa: PLR0913, PLR0917 - all that changes while training
    folder: Path,
    digest: str,
    course: Course,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    best: Tensors,
) -> None:
    """Write a checkpoint in place of the last one; StorageError if there is no room."""
    parameters = trained_parameters(model)
    tensors = {f"weight.{name}": value.detach() for name, value in parameters.items()}
    tensors |= {f"best.{name}": value for name, value in best.items()}
    for name, value in parameters.items():
        for key, state in optimizer.state.get(value, {}).items():
            tensors[f"{key}.{name}"] = state
    file = folder / FILE_NAME
    fresh = file.with_suffix(".new")
    metadata = {"digest": digest, "course": json.dumps(asdict(course))}
    try:
        held = {name: value.contiguous().cpu().clone() for name, value in tensors.items()}
        save_file(held, fresh, metadata)
        os.replace(fresh, file)
    except (OSError, SafetensorError) as error:
        fresh.unlink(missing_ok=True)
        raise StorageError(
            f"The checkpoint {file} cannot be written: {error}.",
            "Free some disk space and run the command again: it continues from the last checkpoint.",
        ) from error


def restore(
    folder: Path, digest: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[Course, Tensors]:
    """The course and the best weights of the last checkpoint, with model and optimizer put back to it.

    A fresh course if there is none, if it is damaged, or if it belongs to another plan.
    """
    file = folder / FILE_NAME
    try:
        with safe_open(file, framework="pt") as stored:
            metadata = stored.metadata()
            if metadata["digest"] != digest:
                return Course(), {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, KeyError):
        return Course(), {}
    stored_course = json.loads(metadata["course"])
    course = Course(**stored_course | {"curve": [Point(**point) for point in stored_course["curve"]]})
    _put_back(model, optimizer, tensors)
    return course, _of(tensors, "best")


def load_weights(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Put weights by name into the adapter."""
    with torch.no_grad():
        for name, value in trained_parameters(model).items():
            value.copy_(weights[name])


def _put_back(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Tensors) -> None:
    load_weights(model, _of(tensors, "weight"))
    moments = {key: _of(tensors, key) for key in ("step", "exp_avg", "exp_avg_sq")}
    for name, value in trained_parameters(model).items():
        if name in moments["step"]:
            on_device = {key: moments[key][name].to(value.device) for key in ("exp_avg", "exp_avg_sq")}
            optimizer.state[value] = {"step": moments["step"][name], **on_device}


def _of(tensors: Tensors, kind: str) -> Tensors:
    return {
        name.removeprefix(f"{kind}."): value for name, value in tensors.items() if name.startswith(f"{kind}.")
    }
