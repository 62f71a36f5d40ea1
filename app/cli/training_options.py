"""Options of training that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from finetune.settings import Option

# As `finetune.settings` words them, which would load pydantic for every --help; a test compares.
HELP = {
    "epochs": "Number of times each training sample is used [2.0].",
    "rank": "Rank of the LoRA matrices [16].",
    "learning_rate": "Peak learning rate [0.0003].",
    "seed": "Seed of every random choice [0].",
}

PairFiles = Annotated[
    list[Path] | None,
    typer.Option("--pairs", metavar="FILE|FOLDER", help="Pairs to use besides the stored ones; repeatable."),
]
NoStored = Annotated[bool, typer.Option("--no-stored", help="Do not use the imported pairs.")]
NoFeedback = Annotated[bool, typer.Option("--no-feedback", help="Do not use pairs from users' feedback.")]
Generate = Annotated[
    int,
    typer.Option(
        "--generate",
        metavar="NUMBER",
        min=0,
        show_default=False,
        help="Number of passages to write questions about first [0].",
    ),
]
Epochs = Annotated[float | None, typer.Option("--epochs", metavar="NUMBER", help=HELP["epochs"])]
Rank = Annotated[int | None, typer.Option("--rank", metavar="NUMBER", help=HELP["rank"])]
LearningRate = Annotated[
    float | None, typer.Option("--learning-rate", metavar="NUMBER", help=HELP["learning_rate"])
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="NUMBER", help=HELP["seed"])]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Any other training option, see docs/retraining.md; repeatable."
    ),
]


def flat_settings(
    epochs: float | None = None,
    rank: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    others: Sequence[str] | None = None,
) -> dict[str, Option]:
    """The options that were given, by name; BadParameter for an entry of `others` without "="."""
    given: dict[str, Option] = {}
    for entry in others or ():
        name, equals, value = entry.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {entry!r} is not of the form NAME=VALUE.")
        given[name.strip().replace("-", "_")] = value.strip()
    named = {"epochs": epochs, "rank": rank, "learning_rate": learning_rate, "seed": seed}
    given.update({name: value for name, value in named.items() if value is not None})
    return given
