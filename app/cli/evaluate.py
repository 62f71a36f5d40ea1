"""`domainqa evaluate`: how well adapters answer test questions, compared with the base model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.output import console, messages, plain, table, tell_report, write_json
from app.cli.progress import RunBar
from app.cli.state import Collection, Home, Json, remember
from app.cli.training_options import NoStored, PairFiles, Seed, Set, flat_settings

if TYPE_CHECKING:
    from finetune.evaluation.bootstrap import Estimate
    from finetune.evaluation.scoring import Summary
    from finetune.retrain.commands import Figures

_HEADINGS = (
    "contender",
    "F1",
    "exact",
    "refused rightly",
    "refused wrongly",
    "citations",
    "evidence found",
    "seconds",
)


def evaluate(
    ctx: typer.Context,
    adapters: Annotated[
        list[str] | None,
        typer.Argument(metavar="ADAPTER", help="NAME or NAME@VERSION [the live adapter]."),
    ] = None,
    pairs: PairFiles = None,
    no_stored: NoStored = False,
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Also use pairs from users' feedback.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Ask all pairs, including those used for training.")
    ] = False,
    seed: Seed = None,
    others: Set = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Test adapters and the base model with the test questions of a collection.

    Test questions are the pairs of the test split; half of them are asked again without the documents that
    contain the answer. The base model is tested with and without worked examples. Every figure has its 95 %
    interval. To continue an interrupted run, run the same command again.

    --json prints the figures of each contender, in all and by language and kind of question, and the gains;
    docs/api.md lists the fields.

    The report page of the collection is replaced each time. It shows the figures by language and kind of
    question, the worst regressions, and answers side by side.

    \b
    Example:
      domainqa evaluate bank bank@previous --pairs samples/pairs
    """
    from finetune.retrain.commands import evaluate_adapters
    from finetune.retrain.runs import RunRequest

    state = remember(ctx, home, collection)
    settings = state.settings()
    flat = flat_settings(seed=seed, others=others)
    files = tuple(pairs or ())
    request = RunRequest(settings.collection, settings.collection, files, not no_stored, feedback, 0, flat)
    with state.open(settings) as workspace, RunBar() as bar:
        pipeline = workspace.pipeline(settings.collection)
        place = settings.home / "evaluations"
        figures = evaluate_adapters(pipeline, request, adapters or (), everything, place, bar)
    if as_json:
        from app.training_schema import evaluation_of

        write_json(evaluation_of(figures))
    else:
        _show(figures)


def _show(figures: Figures) -> None:
    from finetune.report.texts_en import GROUPS

    out = console()
    out.print(table(_HEADINGS, [(name, *_cells(one)) for name, one in figures.summaries.items()]))
    if figures.groups:
        rows = [
            (GROUPS[group.group], *(_cell(one.f1) for one in group.summaries.values()))
            for group in figures.groups
        ]
        out.print(table(("F1 by group", *figures.summaries), rows))
    for (adapter, other), gain in figures.gains.items():
        interval = f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        out.print(plain(f"Gain in F1 of {adapter} over {other}: {interval}"))
    messages().print(f"{figures.cases} questions; 95 % intervals in parentheses")
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
