"""`domainqa search`: the passages for a question, or for many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from app.cli.batch import Batch, groups_of, read_batch
from app.cli.limits import After, Before, InDocuments, InFolder, InFormats, limit_of
from app.cli.output import console, messages, plain, write_json
from app.cli.state import Collection, Home, Json, remember

if TYPE_CHECKING:
    from retrieval.retriever import Retrieval

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
    state = remember(ctx, home, collection)
    settings = state.settings()
    limit = limit_of(documents, folder, formats, after, before)
    with state.open(settings) as workspace:
        find = partial(workspace.search, collection=settings.collection, k=count, limit=limit)
        if batch is not None:
            _search_batch(read_batch(batch, settings.max_question_chars), settings.collection, find)
            return
        (found,) = find([query or ""])
    if as_json:
        from app.schema import search_of

        write_json(search_of(found, settings.collection))
    else:
        _show(found)


def _search_batch(batch: Batch, collection: str, find: Callable[[Sequence[str]], list[Retrieval]]) -> None:
    from app.schema import search_of

    for lines in groups_of(batch.lines, _TOGETHER):
        found = find([line.question for line in lines])
        for line, retrieval in zip(lines, found, strict=True):
            write_json(search_of(retrieval, collection, line.id))
    batch.raise_problems()


def _show(found: Retrieval) -> None:
    out = console()
    for number, ranked in enumerate(found.ranked, start=1):
        passage = ranked.passage
        page = f", page {passage.page}" if passage.page else ""
        place = " › ".join((f"{passage.document}{page}", *passage.heading))
        out.print(
            Text(f"{number}. ", "bold").append_text(plain(place)).append(f"  {ranked.score:.4f}", "dim")
        )
        out.print(plain(passage.text))
        out.print()
    messages().print(f"{len(found.ranked)} passages in {found.seconds * 1000:.0f} ms")
