"""What a retraining is asked to do, how it stands, and its losses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from app.retraining.options import Option
from finetune.retrain.values import Outcome, Status

State = Literal["waiting", "running", "stopped", "failed", "done"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a retraining is asked to do.

    Pairs come from `files` (a folder means the files of pairs in it), with `stored` from those that were
    imported into the collection, with `feedback` from the verdicts of its users, and `generate` is the
    number of passages that the model writes questions for. `settings` are flat, {"epochs": 3, "rank": 8}; see
    `options.RetrainOptions`.
    """

    collection: str
    name: str
    files: tuple[Path, ...] = ()
    stored: bool = True
    feedback: bool = True
    generate: int = 0
    settings: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One retraining as it stands.

    `created` is an ISO time (UTC); `status` what it told last, None before it began; `error` one message, ""
    unless it failed; `outcome` is there when it is done, `report` when the page can be read.
    """

    id: str
    name: str
    collection: str
    created: str
    state: State
    status: Status | None
    error: str
    outcome: Outcome | None
    report: Path | None
    request: RunRequest


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Losses after a step, in nats per reply token; `dev_loss` is None between measurements."""

    step: int
    loss: float
    dev_loss: float | None = None
