"""`domainqa evaluate`: how well adapters answer held-out questions, beside the base model."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, plain, table, tell_report, write_json
from app.cli.run_bar import RunBar
from app.cli.state import Collection, Home, Json, remember
from app.cli.training_options import NoStored, PairFiles, Seed, Set, flat_settings

if TYPE_CHECKING:
    from app.retraining.single_steps import Figures
    from finetune.evaluation.bootstrap import Estimate
    from finetune.evaluation.scoring import Summary

_HEADINGS = (
    "contender",
    "F1",
    "exact",
    "refused rightly",
    "refused wrongly",
    "citations",
    "found",
    "seconds",
)


def evaluate(
    ctx: typer.Context,
    adapters: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADAPTER]...", help="NAME or NAME@VERSION; the one that answers by default."),
    ] = None,
    pairs: PairFiles = None,
    no_stored: NoStored = False,
    feedback: Annotated[bool, typer.Option("--feedback", help="With what users' verdicts become.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Ask all pairs, also those that retrain would learn from.")
    ] = False,
    seed: Seed = None,
    others: Set = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Ask the held-out pairs of a collection of the base, the base with examples, and adapters.

    Held out are the pairs that `retrain` would hold out, and those whose file says so; half of them are
    asked once more without the documents that hold the answer. Every figure has its 95 % interval. Stopped
    or killed, the same command goes on. --json prints {"cases", "contenders": [{"name", "f1": {"mean",
    "low", "high", "count"}, …}], "gains": [{"adapter", "over", "mean", "low", "high", "count"}], "report"}.

    The report is one page a collection, written anew each time: figures, what each adapter does worse, and
    replies side by side.

    \b
    Example:
      domainqa evaluate bank bank@previous --pairs samples/pairs
    """
    from app.retraining.single_steps import evaluate_adapters
    from app.retraining.values import RunRequest

    state = remember(ctx, home, collection)
    settings = state.settings()
    flat = flat_settings(seed=seed, others=others)
    files = tuple(pairs or ())
    request = RunRequest(settings.collection, settings.collection, files, not no_stored, feedback, 0, flat)
    with state.open(settings) as workspace, RunBar() as bar:
        figures = evaluate_adapters(workspace, request, adapters or (), everything, bar)
    if as_json:
        write_json(_shape(figures))
    else:
        _show(figures)


def _shape(figures: Figures) -> dict[str, object]:
    return {
        "cases": figures.cases,
        "contenders": [{"name": name, **asdict(one)} for name, one in figures.summaries.items()],
        "gains": [
            {"adapter": adapter, "over": other, **asdict(gain)}
            for (adapter, other), gain in figures.gains.items()
        ],
        "report": str(figures.report),
    }


def _show(figures: Figures) -> None:
    out = console()
    out.print(table(_HEADINGS, [(name, *_cells(one)) for name, one in figures.summaries.items()]))
    for (adapter, other), gain in figures.gains.items():
        interval = f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        out.print(plain(f"Gain in F1 of {adapter} over {other}: {interval}"))
    messages().print(f"{figures.cases} cases; in brackets the 95 % interval")
    tell_report(figures.report)


def _cells(summary: Summary) -> tuple[str, ...]:
    estimates = (
        summary.f1,
        summary.em,
        summary.refusal_recall,
        summary.false_refusals,
        summary.citations,
        summary.hits,
    )
    return (*map(_cell, estimates), f"{summary.median:.2f}")


def _cell(estimate: Estimate | None) -> str:
    return "—" if estimate is None else f"{estimate.mean:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"
