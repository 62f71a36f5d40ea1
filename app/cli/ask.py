"""`domainqa ask`: a cited answer to a question, or to many at once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.answers import show_answer
from app.cli.batch import read_batch
from app.cli.limits import After, Before, InDocuments, InFolder, InFormats, limit_of
from app.cli.output import console
from app.cli.state import Collection, Home, Json, NoServer, remember

if TYPE_CHECKING:
    from app.cli.calls import Calls


def ask(
    ctx: typer.Context,
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="Question to answer.")] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='File of lines {"id", "question"}; "-" reads standard input.'),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option(metavar="NAME", help='Adapter that answers, such as bank or bank@3; "base" for none.'),
    ] = None,
    style: Annotated[
        Literal["words", "sentence"] | None,
        typer.Option(help="words: a few words, written by the model; sentence: full sentences."),
    ] = None,
    reading: Annotated[
        Literal["auto", "span", "extract", "free"] | None,
        typer.Option(help="How the model reads, instead of the setting `reading`; see docs/generators.md."),
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
    """Answer a question from the documents, with citations.

    --json prints the same object as POST /v1/generate (docs/api.md); --batch prints one per line of the
    file, with the line's "id". If the documents do not contain the answer, "refused" is true and the exit
    code is 0.

    \b
    Example:
      domainqa ask "What is the annual fee of the platinum card this year?"
      domainqa ask --batch questions.jsonl > answers.jsonl
    """
    if (question is None) == (batch is None):
        raise typer.BadParameter("Give either a QUESTION or --batch FILE.")
    state = remember(ctx, home, collection, no_server)
    with state.calls() as calls:
        asked = {
            "text": question or "",
            "collection": calls.collection,
            "adapter": adapter,
            "limit": limit_of(documents, folder, formats, after, before),
            "style": style,
            "reading": reading,
        }
        if batch is not None:
            _ask_batch(calls, asked, batch)
        elif as_json:
            typer.echo(calls.do("questions.ask", question=asked).text)
        else:
            show_answer(partial(calls.do, "questions.ask", question=asked), console())


def _ask_batch(calls: Calls, asked: Mapping[str, object], file: Path) -> None:
    """Answer every line as `asked`, but for its text."""
    batch = read_batch(file, calls.usual.max_question_chars)
    for line in batch.lines:
        typer.echo(calls.do("questions.ask", question={**asked, "text": line.question}, line=line.id).text)
    batch.raise_problems()
