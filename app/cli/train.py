"""`domainqa train`: an adapter from pairs, for those who measure it themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import messages, tell_report, write_json
from app.cli.retrain import ended_by_signals
from app.cli.run_bar import RunBar
from app.cli.state import Collection, Home, Json, remember
from app.cli.training_options import (
    Epochs,
    Generate,
    LearningRate,
    NoFeedback,
    NoStored,
    PairFiles,
    Rank,
    Seed,
    Set,
    flat_settings,
)


def train(
    ctx: typer.Context,
    pairs: PairFiles = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What its folder is called [the collection's name].")
    ] = None,
    no_stored: NoStored = False,
    no_feedback: NoFeedback = False,
    generate: Generate = 0,
    epochs: Epochs = None,
    rank: Rank = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    others: Set = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Train an adapter and print its folder; nothing is measured, registered or promoted.

    The folder is an ordinary PEFT one. The pairs that `retrain` would hold out are held out here too, so
    that `evaluate` can measure with them. Stopped or killed, the same command goes on. `accelerate launch
    --num_processes 2 --module app.cli train` shares the work between processes. A report page tells losses,
    settings, and every pair that was not used. --json prints {"adapter", "report"}.

    \b
    Example:
      domainqa train --epochs 3
      domainqa adapters import "$(domainqa train)" --name bank
    """
    from answering.references import check_name
    from app.retraining.single_steps import train_alone
    from app.retraining.values import RunRequest

    state = remember(ctx, home, collection)
    settings = state.settings()
    flat = flat_settings(epochs, rank, learning_rate, seed, others)
    named = check_name(name or settings.collection)
    request = RunRequest(
        settings.collection, named, tuple(pairs or ()), not no_stored, not no_feedback, generate, flat
    )
    with state.open(settings) as workspace, ended_by_signals(), RunBar() as bar:
        made = train_alone(workspace, request, bar)
    if made is None:  # another process of a launch tells
        return
    if as_json:
        from app.schema import TrainedAdapter

        write_json(TrainedAdapter(adapter=str(made.adapter), report=str(made.report)))
        return
    typer.echo(str(made.adapter))
    hint = f"Register it: domainqa adapters import {made.adapter} --name {named}"
    messages().print(hint, markup=False, soft_wrap=True)
    tell_report(made.report)
