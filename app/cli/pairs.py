"""`domainqa pairs`: question–answer pairs of a collection, imported, checked, collected and generated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.dropped import show_dropped
from app.cli.output import console, messages, plain, table, tell_report, write_json
from app.cli.progress import steps
from app.cli.state import Collection, Home, Json, State, listing_group, remember

if TYPE_CHECKING:
    from app.retraining.pairs import StoredFile
    from app.retraining.pairs_page import Became
    from app.schema import CheckedPairs

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSONL, CSV, TSV, alpaca, sharegpt, messages.")]
AsPairs = Annotated[
    bool, typer.Option("--as-pairs", help="Conversations of one question and its answer become pairs.")
]


def _list(state: State, as_json: bool) -> None:
    settings = state.settings()
    with state.open(settings) as workspace:
        found = workspace.pairs.list(settings.collection)
    if as_json:
        from app.schema import PairFile

        write_json([PairFile.model_validate(file) for file in found])
    elif found:
        headings = ("name", "pairs", "tasks", "licence", "imported", "source")
        rows = [(f.name, f.pairs, f.tasks, f.licence or "—", f.imported, f.source) for f in found]
        console().print(table(headings, rows))
    else:
        hint = f"There are no pairs for {settings.collection} yet. Import some: domainqa pairs import FILE"
        messages().print(hint, markup=False, soft_wrap=True)


group = listing_group(
    _list,
    """Import, check, collect and generate question–answer pairs; without a further word, list the files.

\b
Example:
  domainqa pairs import samples/pairs/en.jsonl
  domainqa pairs
""",
    """List the stored files of a collection.

\b
Example:
  domainqa pairs list --json
""",
    of_collection=True,
)


@group.command("import")
def import_(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, or folders of them.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Under which the files may be used.")] = "",
    as_pairs: AsPairs = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Check files against the collection's documents and keep what can be used, in place of an older copy.

    Every pair that is dropped is listed with its reason, here and on a page. --json prints a line {"name",
    "pairs", "tasks", "licence", "source", "imported", "digest", "report", "dropped": [{"id", "origin",
    "question", "reason"}]} a file.

    \b
    Example:
      domainqa pairs import faq.csv --licence "our own"
    """
    from app.retraining.files import files_of
    from app.retraining.pairs_page import Became, leave_page

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        for file in files_of(files):
            made = workspace.pairs.import_file(settings.collection, file, licence, as_pairs)
            kept = made.file
            became = Became(kept.name, kept.pairs, kept.tasks, made.dropped)
            page = leave_page(workspace, settings.collection, became)
            _tell(f"Imported {kept.name}", became, page, as_json, kept)


@group.command()
def check(
    ctx: typer.Context,
    file: File,
    as_pairs: AsPairs = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Check a file against the collection's documents as `import` does, and keep nothing but the page.

    \b
    Example:
      domainqa pairs check faq.csv
    """
    from app.retraining.pairs_page import CHECKED, Became, leave_page
    from finetune.pairs.formats import read_pairs

    state = remember(ctx, home, collection)
    settings = state.settings()
    read = read_pairs(file, as_pairs)
    with state.open(settings) as workspace:
        checked = workspace.pairs.check(settings.collection, read.pairs)
        dropped = (*read.dropped, *checked.dropped)
        became = Became(file.name, len(checked.kept), len(read.tasks), dropped)
        page = leave_page(workspace, settings.collection, became, CHECKED)
    _tell(f"Usable in {file.name}", became, page, as_json)


@group.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write them.")],
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Write all stored pairs of the collection to one file, in our own JSON Lines.

    \b
    Example:
      domainqa pairs export bank.jsonl
    """
    from finetune.pairs.formats import write_pairs

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        given = workspace.pairs.given(settings.collection)
    write_pairs([*given.pairs, *given.tasks], file)
    amount = _amount(len(given.pairs), len(given.tasks))
    messages().print(f"Wrote {amount} to {file}.", markup=False, soft_wrap=True)


@group.command()
def feedback(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write them there, to be corrected.")
    ] = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Show the pairs that users' verdicts and corrections become, which `retrain` learns from.

    To review them, write them to a file, correct that, import it, and retrain with --no-feedback. --json
    prints {"pairs": [...], "dropped": [...]}.

    \b
    Example:
      domainqa pairs feedback
      domainqa pairs feedback --out reviewed.jsonl
    """
    from app.retraining.from_feedback import feedback_source
    from finetune.pairs.formats import write_pairs

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        found = feedback_source(workspace.feedback_on(settings.collection))
    if out is not None:
        write_pairs(found.pairs, out)
    if as_json:
        from app.schema import FeedbackPairs

        write_json(FeedbackPairs.model_validate(found))
        return
    rows = [(pair.question, pair.answers[0] if pair.answers else "—") for pair in found.pairs]
    if rows:
        console().print(table(("question", "answer"), rows))
    show_dropped(found.dropped)
    messages().print(f"{_amount(len(found.pairs))} from feedback on {settings.collection}", markup=False)


@group.command()
def generate(
    ctx: typer.Context,
    passages: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Passages to ask about.")] = 100,
    seed: Annotated[int, typer.Option(metavar="NUMBER", min=0, help="Another one draws others.")] = 0,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Have the generator write questions on passages, and keep the good ones as the file "generated".

    Good ones have their answer in the passage and not in the question, lead the search back to the passage,
    and repeat no other. Ctrl-C keeps what is done; the same command goes on.

    \b
    Example:
      domainqa pairs generate --passages 200
    """
    from app.retraining.files import GENERATED
    from app.retraining.generation import generate as write
    from app.retraining.pairs_page import Became, leave_page

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace, steps() as progress:
        made = write(
            workspace,
            settings.collection,
            passages,
            lambda done, total: progress("Writing questions", done, total),
            seed,
        )
        became = Became(GENERATED, len(made.kept), 0, made.dropped)
        page = leave_page(workspace, settings.collection, became)
    _tell("Generated", became, page, as_json)


@group.command()
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `pairs list` shows it.")],
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Forget a stored file; the one that it was imported from stays.

    \b
    Example:
      domainqa pairs remove faq
    """
    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        workspace.pairs.remove(settings.collection, name)
    messages().print(f"Removed the pairs {name}.", markup=False)


def _tell(done: str, became: Became, page: Path, as_json: bool, stored: StoredFile | None = None) -> None:
    dropped = became.dropped
    if as_json:
        write_json(_shape(became, page, stored))
        return
    show_dropped(dropped)
    lost = f"; {len(dropped)} dropped" if dropped else ""
    console().print(plain(f"{done}: {_amount(became.pairs, became.tasks)}{lost}."))
    tell_report(page)


def _shape(became: Became, page: Path, stored: StoredFile | None) -> CheckedPairs:
    from app.schema import CheckedPairs, DroppedPair, PairFile

    kept = PairFile.model_validate(stored).model_dump() if stored else {}
    found = {"name": became.name, "pairs": became.pairs, "tasks": became.tasks}
    dropped = tuple(map(DroppedPair.model_validate, became.dropped))
    return CheckedPairs(**{**kept, **found}, report=str(page), dropped=dropped)


def _amount(pairs: int, tasks: int = 0) -> str:
    """Both as people read them."""
    told = f"{pairs:,} pair{'' if pairs == 1 else 's'}"
    return f"{told} and {tasks:,} task{'' if tasks == 1 else 's'}" if tasks else told
