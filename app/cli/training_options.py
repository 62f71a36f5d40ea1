"""Options of training that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

PairFiles = Annotated[
    list[Path] | None,
    typer.Option("--pairs", metavar="FILE|FOLDER", help="Pairs beside the stored ones; repeatable."),
]
NoStored = Annotated[bool, typer.Option("--no-stored", help="Leave out the imported pairs.")]
NoFeedback = Annotated[bool, typer.Option("--no-feedback", help="Leave out what users' verdicts become.")]
Generate = Annotated[
    int, typer.Option("--generate", metavar="NUMBER", min=0, help="Passages to write questions on.")
]
Epochs = Annotated[float | None, typer.Option("--epochs", metavar="NUMBER", help="Times all is learned [2].")]
Rank = Annotated[int | None, typer.Option("--rank", metavar="NUMBER", help="Rank of the adapter [16].")]
LearningRate = Annotated[
    float | None, typer.Option("--learning-rate", metavar="NUMBER", help="Highest learning rate [0.0003].")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="NUMBER", help="Decides every draw [0].")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; a wrong one lists them all."),
]


def flat_settings(
    epochs: float | None = None,
    rank: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    others: Sequence[str] | None = None,
) -> dict[str, int | float | str | bool]:
    """What was given, flat; BadParameter for an entry of `others` without "="."""
    given: dict[str, int | float | str | bool] = {}
    for entry in others or ():
        name, equals, value = entry.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {entry!r} is not of the form NAME=VALUE.")
        given[name.strip().replace("-", "_")] = value.strip()
    named = {"epochs": epochs, "rank": rank, "learning_rate": learning_rate, "seed": seed}
    given.update({name: value for name, value in named.items() if value is not None})
    return given
