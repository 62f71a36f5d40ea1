"""`domainqa pairs`: question–answer pairs of a collection, imported, checked, collected and generated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.dropped import show_dropped
from app.cli.output import console, messages, plain, table, tell_report
from app.cli.progress import Bars
from app.cli.state import Collection, Home, Json, NoServer, State, listing_group, remember

if TYPE_CHECKING:
    from app.cli.calls import Reply
    from app.training_schema import CheckedPairs

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSONL, CSV, TSV, Alpaca, ShareGPT or OpenAI messages.")
]
AsPairs = Annotated[
    bool,
    typer.Option("--as-pairs", help="Read conversations of one question and its answer as pairs, not tasks."),
]


def _list(state: State, as_json: bool) -> None:
    with state.calls() as calls:
        collection = calls.collection
        reply = calls.do("pairs.catalogue", collection=collection)
    if as_json:
        typer.echo(reply.text)
    elif found := reply.value:
        headings = ("name", "pairs", "tasks", "licence", "imported", "source")
        rows = [(f.name, f.pairs, f.tasks, f.licence or "—", f.imported, f.source) for f in found]
        console().print(table(headings, rows))
    else:
        hint = f"There are no pairs for {collection} yet. Import some: domainqa pairs import FILE"
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
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files, or folders of such files.")],
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of the files, for reports.")] = "",
    as_pairs: AsPairs = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
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
    with remember(ctx, home, collection, no_server).calls() as calls:
        found = calls.do("pairs.files", paths=[str(file.absolute()) for file in files])
        for file in found.value:
            reply = calls.do(
                "pairs.import_file",
                collection=calls.collection,
                file=file,
                licence=licence,
                as_pairs=as_pairs,
            )
            _tell(f"Imported {reply.value.name}", reply, as_json)


@group.command()
def check(
    ctx: typer.Context,
    file: File,
    as_pairs: AsPairs = False,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Check a file as `import` does, without storing its pairs.

    \b
    Example:
      domainqa pairs check faq.csv
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        place = str(file.absolute())
        reply = calls.do("pairs.check", collection=calls.collection, file=place, as_pairs=as_pairs)
    _tell(f"Usable in {file.name}", reply, as_json)


@group.command()
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")],
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Write all stored pairs of the collection to one JSON Lines file.

    \b
    Example:
      domainqa pairs export bank.jsonl
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        kept = calls.do("pairs.export", collection=calls.collection, file=str(file.absolute())).value
    messages().print(f"Wrote {_amount(*kept)} to {file}.", markup=False, soft_wrap=True)


@group.command()
def feedback(
    ctx: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the pairs to this file, for review.")
    ] = None,
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Show the pairs made from users' feedback, which `retrain` uses.

    To review them, write them to a file with --out, correct it, import it, and retrain with --no-feedback.
    --json prints {"pairs": [...], "dropped": [...]}.

    \b
    Example:
      domainqa pairs feedback
      domainqa pairs feedback --out reviewed.jsonl
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        place = str(out.absolute()) if out else None
        reply = calls.do("pairs.feedback", collection=calls.collection, out=place)
        asked = calls.collection
    if as_json:
        typer.echo(reply.text)
        return
    found = reply.value
    rows = [(pair.question, pair.answers[0] if pair.answers else "—") for pair in found.pairs]
    if rows:
        console().print(table(("question", "answer"), rows))
    show_dropped(found.dropped)
    messages().print(f"{_amount(len(found.pairs))} from feedback on {asked}", markup=False)


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
    no_server: NoServer = False,
) -> None:
    """Let the model write questions about passages, and store the valid pairs.

    A pair is valid if the passage contains its answer and the question does not, if searching for it
    finds the passage, and if no other pair is nearly the same. Ctrl-C keeps what is done; the same command
    continues.

    \b
    Example:
      domainqa pairs generate --passages 200
    """
    with remember(ctx, home, collection, no_server).calls() as calls, Bars() as bars:
        given = {"collection": calls.collection, "passages": passages, "seed": seed}
        reply = calls.do("pairs.generate", bars.hear, **given)
    _tell("Generated", reply, as_json)


@group.command()
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name shown by `pairs list`.")],
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Remove a stored file; the file that it was imported from stays.

    \b
    Example:
      domainqa pairs remove faq
    """
    with remember(ctx, home, collection, no_server).calls() as calls:
        calls.do("pairs.remove", collection=calls.collection, name=name)
    messages().print(f"Removed the pairs {name}.", markup=False)


def _tell(done: str, reply: Reply, as_json: bool) -> None:
    """What became of pairs."""
    if as_json:
        typer.echo(reply.text)
        return
    checked: CheckedPairs = reply.value
    show_dropped(checked.dropped)
    lost = f"; {len(checked.dropped)} dropped" if checked.dropped else ""
    console().print(plain(f"{done}: {_amount(checked.pairs, checked.tasks)}{lost}."))
    tell_report(checked.report)


def _amount(pairs: int, tasks: int = 0) -> str:
    """Both as people read them."""
    told = f"{pairs:,} pair{'' if pairs == 1 else 's'}"
    return f"{told} and {tasks:,} task{'' if tasks == 1 else 's'}" if tasks else told
