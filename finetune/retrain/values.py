"""The status that a retraining reports, and the results of its steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from finetune.evaluation.calibration import Curve
from finetune.evaluation.forgetting import Forgetting
from finetune.evaluation.promotion import Verdict
from finetune.evaluation.scoring import Scored
from finetune.pairs.store import Dataset
from finetune.pairs.values import Dropped
from finetune.reasons import Reason, StoredReason
from finetune.registry.entry import Entry
from finetune.registry.manifest import AdapterReading
from finetune.split import Splits, ValidPairs
from finetune.training.values import Trained

Step = Literal["pairs", "check", "split", "samples", "train", "calibrate", "evaluate", "judge", "register"]
STEPS: tuple[Step, ...] = (
    "pairs", "check", "split", "samples", "train", "calibrate", "evaluate", "judge", "register"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Status:
    """How far a retraining is: the step, how much of it is done of how much, and what is happening.

    `loss` and `dev_loss` (nats per reply token) are set while it trains, `seconds_left` of the step where it
    is known.
    """

    step: Step
    done: int
    total: int
    note: str = ""
    loss: float | None = None
    dev_loss: float | None = None
    seconds_left: float | None = None


OnStatus = Callable[[Status], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a retraining came to: the version that was registered, the verdict, and its report."""

    name: str
    version: int
    promoted: bool
    reasons: tuple[StoredReason, ...]
    report: str


@dataclass(frozen=True, slots=True)
class TrainedAdapter:
    """What training used, by kind of sample, and gave."""

    samples: Mapping[str, int]
    dropped: tuple[Dropped, ...]
    trained: Trained


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How to read with the candidate, its refusal curve on questions it was not fitted on, and the reasons.

    Without a curve nothing could be fitted: the candidate is read and refuses as the base.
    """

    reading: AdapterReading
    curve: Curve | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class TestResults:
    """The scored cases of every contender, and what the candidate forgot."""

    scored: Mapping[str, tuple[Scored, ...]]
    forgetting: Forgetting


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that a run made, step by step; `start` is the adapter that it continued."""

    name: str
    start: Entry | None
    dataset: Dataset
    valid: ValidPairs
    splits: Splits
    trained: TrainedAdapter
    calibrated: Calibrated
    results: TestResults
    verdict: Verdict
