"""`domainqa pairs`: question–answer pairs of a collection, imported, checked, collected and generated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.dropped import show_dropped
from app.cli.output import console, messages, plain, table, tell_report, write_json
from app.cli.progress import Bars
from app.cli.state import Collection, Home, Json, State, listing_group, remember

if TYPE_CHECKING:
    from finetune.pairs.store import StoredFile
    from finetune.pairs.values import Dropped

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSONL, CSV, TSV, Alpaca, ShareGPT or OpenAI messages.")
]
AsPairs = Annotated[
    bool, typer.Option("--as-pairs", help="Read conversations of one question and its answer as pairs.")
]


def _list(state: State, as_json: bool) -> None:
    settings = state.settings()
    with state.open(settings) as workspace:
        found = workspace.pairs.list(settings.collection)
    if as_json:
        from app.training_schema import PairFile

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
    """Import, check, review and generate question–answer pairs. Without a subcommand, list the files.

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
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files, or folders of such files.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of the files, for reports.")] = "",
    as_pairs: AsPairs = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Check files against the collection's documents and store the valid pairs.

    A file of the same name replaces the earlier import. Every dropped pair is listed with its reason, here
    and on a report page. --json prints one line for each
    file: {"name", "pairs", "tasks", "licence", "source", "imported", "digest", "report", "dropped": [{"id",
    "origin", "question", "kind", "reason"}]}.

    \b
    Example:
      domainqa pairs import faq.csv --licence "our own"
    """
    from finetune.pairs.store import files_of

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        for file in files_of(files):
            made = workspace.pairs.import_file(settings.collection, file, licence, as_pairs)
            kept = made.file
            amounts = (kept.pairs, kept.tasks)
            page = workspace.pairs.write_page(
                settings.collection, kept.name, amounts, made.dropped, settings.locale
            )
            _tell(f"Imported {kept.name}", kept.name, amounts, made.dropped, page, as_json, kept)


@group.command()
def check(
    ctx: typer.Context,
    file: File,
    as_pairs: AsPairs = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Check a file as `import` does, without storing its pairs.

    \b
    Example:
      domainqa pairs check faq.csv
    """
    from finetune.pairs.formats import read_pairs
    from finetune.pairs.store import CHECKED

    state = remember(ctx, home, collection)
    settings = state.settings()
    read = read_pairs(file, as_pairs)
    with state.open(settings) as workspace:
        checked = workspace.pairs.check(settings.collection, read.pairs)
        dropped = (*read.dropped, *checked.dropped)
        kept = (len(checked.kept), len(read.tasks))
        page = workspace.pairs.write_page(
            settings.collection, file.name, kept, dropped, settings.locale, CHECKED
        )
    _tell(f"Usable in {file.name}", file.name, kept, dropped, page, as_json)


@group.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Write all stored pairs of the collection to one JSON Lines file.

    \b
    Example:
      domainqa pairs export bank.jsonl
    """
    from finetune.pairs.formats import write_pairs

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        dataset = workspace.pairs.dataset(settings.collection)
    write_pairs([*dataset.pairs, *dataset.tasks], file)
    amount = _amount(len(dataset.pairs), len(dataset.tasks))
    messages().print(f"Wrote {amount} to {file}.", markup=False, soft_wrap=True)


@group.command()
def feedback(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the pairs to this file, for review.")
    ] = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Show the pairs made from users' feedback, which `retrain` uses.

    To review them, write them to a file with --out, correct it, import it, and retrain with --no-feedback.
    --json prints {"pairs": [...], "dropped": [...]}.

    \b
    Example:
      domainqa pairs feedback
      domainqa pairs feedback --out reviewed.jsonl
    """
    from finetune.pairs.feedback import feedback_source
    from finetune.pairs.formats import write_pairs

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        found = feedback_source(workspace.feedback_on(settings.collection))
    if out is not None:
        write_pairs(found.pairs, out)
    if as_json:
        from app.training_schema import FeedbackPairs

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
    passages: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Number of passages.")] = 100,
    seed: Annotated[
        int,
        typer.Option(
            metavar="NUMBER", min=0, help="Seed that selects the passages; another seed selects others."
        ),
    ] = 0,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Let the model write questions about passages, and store the valid pairs.

    A pair is valid if the passage contains its answer and the question does not, if searching for it
    finds the passage, and if it repeats no other. Ctrl-C keeps what is done; the same command continues.

    \b
    Example:
      domainqa pairs generate --passages 200
    """
    from finetune.pairs.store import GENERATED
    from finetune.pairs.writing import write_pairs_on

    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace, Bars() as bars:
        made = write_pairs_on(
            workspace.corpus(settings.collection),
            workspace.pairs,
            workspace.generator(),
            passages,
            lambda done, total: bars.show("Writing questions", done, total),
            seed,
            settings.generator,
        )
        kept = (len(made.kept), 0)
        page = workspace.pairs.write_page(settings.collection, GENERATED, kept, made.dropped, settings.locale)
    _tell("Generated", GENERATED, kept, made.dropped, page, as_json)


@group.command()
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name shown by `pairs list`.")],
    home: Home = None,
    collection: Collection = None,
) -> None:
    """Remove a stored file; the file that it was imported from stays.

    \b
    Example:
      domainqa pairs remove faq
    """
    state = remember(ctx, home, collection)
    settings = state.settings()
    with state.open(settings) as workspace:
        workspace.pairs.remove(settings.collection, name)
    messages().print(f"Removed the pairs {name}.", markup=False)


def _tell(  # noqa: PLR0913, PLR0917 - what was done, what became of it, and for whom
    done: str,
    name: str,
    kept: tuple[int, int],
    dropped: Sequence[Dropped],
    page: Path,
    as_json: bool,
    stored: StoredFile | None = None,
) -> None:
    pairs, tasks = kept
    if as_json:
        from app.training_schema import CheckedPairs, PairFile

        known = PairFile.model_validate(stored).model_dump() if stored else {}
        found = {"name": name, "pairs": pairs, "tasks": tasks, "report": str(page), "dropped": dropped}
        write_json(CheckedPairs.model_validate(known | found))
        return
    show_dropped(dropped)
    lost = f"; {len(dropped)} dropped" if dropped else ""
    console().print(plain(f"{done}: {_amount(pairs, tasks)}{lost}."))
    tell_report(page)


def _amount(pairs: int, tasks: int = 0) -> str:
    """Both as people read them."""
    told = f"{pairs:,} pair{'' if pairs == 1 else 's'}"
    return f"{told} and {tasks:,} task{'' if tasks == 1 else 's'}" if tasks else told
