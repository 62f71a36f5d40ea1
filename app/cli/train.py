"""`domainqa train`: an adapter from pairs, without test or verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.output import messages, tell_report, write_json
from app.cli.progress import RunBar
from app.cli.retrain import ended_by_signals
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
        str | None, typer.Option(metavar="NAME", help="Name of the adapter's folder [the collection's name].")
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
    """Train an adapter and print its folder; nothing is tested, registered or promoted.

    The folder is an ordinary PEFT adapter. As in `retrain`, the pairs of the test split are not used, so that
    `evaluate` can test with them. To continue an interrupted run, run the same command again. To train in
    several processes: `accelerate launch --num_processes 2 --module app.cli train`.

    The report page shows losses, options and every dropped pair. --json prints {"adapter", "report"}.

    \b
    Example:
      domainqa train --epochs 3
      domainqa adapters import "$(domainqa train)" --name bank
    """
    from answering.references import check_name
    from finetune.retrain.commands import train_alone
    from finetune.retrain.runs import RunRequest

    state = remember(ctx, home, collection)
    settings = state.settings()
    flat = flat_settings(epochs, rank, learning_rate, seed, others)
    named = check_name(name or settings.collection)
    request = RunRequest(
        settings.collection, named, tuple(pairs or ()), not no_stored, not no_feedback, generate, flat
    )
    with state.open(settings) as workspace, ended_by_signals(), RunBar() as bar:
        pipeline = workspace.pipeline(settings.collection)
        made = train_alone(pipeline, workspace.runs, request, settings.home, bar)
    if made is None:  # another process of the launch prints it
        return
    if as_json:
        from app.training_schema import TrainedAdapter

        write_json(TrainedAdapter(adapter=str(made.adapter), report=str(made.report)))
        return
    typer.echo(str(made.adapter))
    hint = f"Register it: domainqa adapters import {made.adapter} --name {named}"
    messages().print(hint, markup=False, soft_wrap=True)
    tell_report(made.report)
