"""`domainqa retrain`: from pairs to a measured adapter, promoted if it is statistically better."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, plain, write_json
from app.cli.progress import RunBar
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

if TYPE_CHECKING:
    from app.workspace import Workspace
    from finetune.retrain.runs import RunInfo, RunRequest
    from finetune.retrain.values import Outcome
    from retrieval.prompt import Language


def retrain(
    ctx: typer.Context,
    pairs: PairFiles = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Adapter that gets the new version [the collection's name]."),
    ] = None,
    no_stored: NoStored = False,
    no_feedback: NoFeedback = False,
    generate: Generate = 0,
    run: Annotated[str | None, typer.Option(metavar="ID", help="Continue this retraining.")] = None,
    epochs: Epochs = None,
    rank: Rank = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    others: Set = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Train an adapter for a collection, test it, and promote it if it is better.

    Steps: check the pairs, split them by document, build training samples, train, calibrate, evaluate,
    decide, register. To continue an interrupted run, run the same command again.

    The new version is promoted only if it is better with statistical confidence. Otherwise it is registered
    as rejected, with the reasons, and the live version stays; the exit code is 0 in both cases. --json prints
    {"run", "adapter", "promoted", "reasons", "report"}.

    \b
    Example:
      domainqa retrain --collection bank
      domainqa retrain --pairs samples/pairs --epochs 3 --set test_share=0.3
    """
    from finetune.retrain.commands import require_alone
    from finetune.retrain.runs import RunRequest

    state = remember(ctx, home, collection)
    settings = state.settings()
    flat = flat_settings(epochs, rank, learning_rate, seed, others)
    named = name or settings.collection
    request = RunRequest(
        settings.collection, named, tuple(pairs or ()), not no_stored, not no_feedback, generate, flat
    )
    require_alone()
    with state.open(settings) as workspace:
        info = workspace.runs.get(run) if run else _begin(workspace, request)
        outcome = info.outcome or _carry_out(workspace, info)
    _tell(info, outcome, settings.locale, as_json)


def _begin(workspace: Workspace, request: RunRequest) -> RunInfo:
    """The unfinished run of the same request, or a new one."""
    found = workspace.runs.unfinished(request)
    if found is not None and found.state != "waiting":
        messages().print(f"Continuing {found.id}.", markup=False)
    return found or workspace.runs.create(request)


def _carry_out(workspace: Workspace, info: RunInfo) -> Outcome:
    from app.audit import note_promotion
    from finetune.retrain.commands import carry_out

    with workspace.runs.working(info.id) as folder, ended_by_signals(), RunBar() as bar:
        outcome = carry_out(workspace.pipeline(info.collection), info.request, folder, bar)
    note_promotion(workspace.settings.home, outcome)
    return outcome


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM, which the page may send, is treated as Ctrl-C during the block."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(info: RunInfo, outcome: Outcome, language: Language, as_json: bool) -> None:
    from finetune.report.words import sentences_of

    sentences = sentences_of(outcome.reasons, language)
    adapter = f"{outcome.name}@{outcome.version}"
    if as_json:
        from app.training_schema import Retraining

        write_json(
            Retraining(
                run=info.id,
                adapter=adapter,
                promoted=outcome.promoted,
                reasons=tuple(sentences),
                report=outcome.report,
            )
        )
        return
    out = console()
    verdict = "promoted and in use now" if outcome.promoted else "rejected; the adapter in use stays"
    out.print(plain(f"{adapter} is {verdict}."), style="green" if outcome.promoted else "yellow")
    for sentence in sentences:
        out.print(plain(f"- {sentence}"), soft_wrap=True)
    out.print(plain(f"Report, with every dropped pair: {outcome.report}"), soft_wrap=True)
