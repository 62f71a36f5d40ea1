"""What training takes and reports: samples, the base model, and progress."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finetune.reasons import Reason
from retrieval.prompt import Message


@dataclass(frozen=True, slots=True)
class Sample:
    """One reply to learn: the messages as they will be served, and what to answer.

    `pair` is the id of the question–answer pair that it was made from, `kind` says how ("answer", "refusal",
    "together", "task").
    """

    messages: tuple[Message, ...]
    reply: str
    pair: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """The model to adapt: its folder, the id that is written into the adapter, and how much it may read.

    `start` is the folder of an adapter of this model to continue; None trains a fresh one.
    """

    folder: Path
    id: str
    context: int = 8192
    device: str = "cpu"
    start: Path | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is. Losses are nats per reply token; `dev_loss` is None between measurements."""

    step: int
    steps: int
    loss: float
    dev_loss: float | None
    tokens_per_second: float
    seconds_left: float


OnProgress = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """The `OnProgress` of training that nobody watches."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A sample that is not trained on, because its reply would have to be cut."""

    pair: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the loss curve; losses are nats per reply token, `dev_loss` None between measurements."""

    step: int
    loss: float
    dev_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training: the loss curve, the best validation loss, and what was left out.

    `scale` is what the adapter was scaled down to, so that it forgets no more than is allowed.
    """

    curve: tuple[Point, ...]
    best_loss: float | None
    steps: int
    seconds: float
    refused: tuple[Refused, ...]
    scale: float = 1.0
