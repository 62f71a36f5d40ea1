"""What training takes and tells: samples, settings, and events while it works."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from knowledge_base.errors import InputError
from retrieval.prompt import Message

Variant = Literal["lora", "rslora", "dora"]


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

    `start` is the folder of an adapter of this model to go on from; None begins a fresh one.
    """

    folder: Path
    id: str
    context: int = 8192
    device: str = "cpu"
    start: Path | None = None


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How an adapter is trained; rank, alpha, dropout, variant and targets are those of a fresh one.

    rank, alpha, dropout, variant: of LoRA (Hu et al. 2021), "rslora" scales by alpha/√rank (Kalajdzievski
    2023), "dora" learns a magnitude too (Liu et al. 2024). targets: names of linear layers, or "auto" for all
    but the head. learning_rate is reached after `warmup` of all steps and falls to a tenth along a cosine.
    samples_per_step: replies learned between two changes of the weights. keep_pieces: pieces of plain text in
    a step on which the model is held to its own predictions, and keep_weight, how much a nat there counts
    against a nat of the replies. forget_limit: nats a token by which the loss on general text may rise; an
    adapter that forgets more is scaled down. row_tokens: tokens computed at once, which bounds the
    memory. dev_share of the pairs' samples tell when to stop: after `patience` measurements without a better
    one; `measurements` are made in an epoch. four_bit keeps the base in four bits (CUDA only).
    checkpoint_seconds: how much work a kill may cost.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    variant: Variant = "lora"
    targets: tuple[str, ...] | Literal["auto"] = "auto"
    learning_rate: float = 3e-4
    epochs: float = 2.0
    warmup: float = 0.05
    samples_per_step: int = 24
    keep_pieces: int = 1
    keep_weight: float = 2.0
    forget_limit: float = 0.03
    row_tokens: int = 1024
    dev_share: float = 0.05
    measurements: int = 4
    patience: int = 4
    four_bit: bool = False
    seed: int = 0
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        """Raises InputError, naming every value that cannot be used."""
        least_row, most_dev = 64, 0.5
        wrong = [
            f"{name} is {getattr(self, name)} and must be {rule}"
            for name, rule, fits in (
                ("rank", "at least 1", self.rank >= 1),
                ("alpha", "at least 1", self.alpha >= 1),
                ("dropout", "at least 0 and below 1", 0 <= self.dropout < 1),
                ("learning_rate", "above 0 and at most 1", 0 < self.learning_rate <= 1),
                ("epochs", "above 0", self.epochs > 0),
                ("warmup", "at least 0 and below 1", 0 <= self.warmup < 1),
                ("samples_per_step", "at least 1", self.samples_per_step >= 1),
                ("keep_pieces", "at least 0", self.keep_pieces >= 0),
                ("keep_weight", "at least 0", self.keep_weight >= 0),
                ("forget_limit", "above 0", self.forget_limit > 0),
                ("row_tokens", "at least 64", self.row_tokens >= least_row),
                ("dev_share", "at least 0 and below 0.5", 0 <= self.dev_share < most_dev),
                ("measurements", "at least 1", self.measurements >= 1),
                ("patience", "at least 1", self.patience >= 1),
            )
            if not fits
        ]
        if wrong:
            raise InputError(f"Training cannot start: {'; '.join(wrong)}.", "Correct these settings.")


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
