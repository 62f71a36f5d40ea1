"""`domainqa search`: the passages for a question, or for many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from app.cli.batch import Batch, groups_of, read_batch
from app.cli.limits import After, Before, InDocuments, InFolder, InFormats, limit_of
from app.cli.output import console, messages, plain
from app.cli.state import Collection, Home, Json, NoServer, remember

if TYPE_CHECKING:
    from app.cli.calls import Calls, Reply
    from app.cli.remote import Hear

_TOGETHER = 64


def search(
    ctx: typer.Context,
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="Text to search for.")] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='File of lines {"id", "question"}; "-" reads standard input.'),
    ] = None,
    count: Annotated[
        int | None, typer.Option("-k", "--count", min=1, max=1000, help="Number of passages to return [5].")
    ] = None,
    documents: InDocuments = None,
    folder: InFolder = "",
    formats: InFormats = None,
    after: After = "",
    before: Before = "",
    as_json: Json = False,
    home: Home = None,
    collection: Collection = None,
    no_server: NoServer = False,
) -> None:
    """Find the passages that match a question, without writing an answer.

    --json prints the same object as POST /v1/search; --batch writes one for each line of the file, with
    the line's "id".

    \b
    Example:
      domainqa search "early repayment" -k 3
      domainqa search --batch questions.jsonl > found.jsonl
    """
    if (query is None) == (batch is None):
        raise typer.BadParameter("Give either a QUERY or --batch FILE.")
    state = remember(ctx, home, collection, no_server)
    limit = limit_of(documents, folder, formats, after, before)
    with state.calls() as calls:
        asked = {"collection": calls.collection, "k": count, "limit": limit}
        if batch is not None:
            _search_batch(calls, asked, read_batch(batch, calls.usual.max_question_chars))
        elif as_json:
            typer.echo(calls.do("questions.search", question=query, **asked).text)
        else:
            _show(partial(calls.do, "questions.search", question=query, **asked))


def _search_batch(calls: Calls, asked: Mapping[str, object], batch: Batch) -> None:
    for lines in groups_of(batch.lines, _TOGETHER):
        questions = [(line.id, line.question) for line in lines]
        for found in calls.do("questions.search_batch", questions=questions, **asked).value:
            typer.echo(found)
    batch.raise_problems()


def _show(find: Callable[[Hear], Reply]) -> None:
    out = console()
    seconds = 0.0

    def hear(_kind: str, value: float) -> None:
        nonlocal seconds
        seconds = value

    found = find(hear).value
    for number, hit in enumerate(found.results, start=1):
        page = f", page {hit.page}" if hit.page else ""
        place = " › ".join((f"{hit.document}{page}", *hit.heading))
        out.print(Text(f"{number}. ", "bold").append_text(plain(place)).append(f"  {hit.score:.4f}", "dim"))
        out.print(plain(hit.text))
        out.print()
    messages().print(f"{len(found.results)} passages in {seconds * 1000:.0f} ms")
