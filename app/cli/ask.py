"""`domainqa ask`: a cited answer to a question, or to many at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.cli.batch import read_batch
from app.cli.limits import After, Before, InDocuments, InFolder, InFormats, limit_of
from app.cli.output import console, write_json
from app.cli.state import Collection, Home, Json, remember

if TYPE_CHECKING:
    from answering.values import Question
    from app.workspace import Workspace


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
    from answering.values import Question
    from app.schema import answer_of

    if (question is None) == (batch is None):
        raise typer.BadParameter("Give either a QUESTION or --batch FILE.")
    state = remember(ctx, home, collection)
    settings = state.settings()
    limit = limit_of(documents, folder, formats, after, before)
    asked = Question(
        question or "",
        settings.collection,
        adapter=adapter,
        limit=limit,
        style=style,
        reading=reading,
    )
    with state.open(settings) as workspace:
        if batch is not None:
            _ask_batch(workspace, asked, batch, settings.max_question_chars)
        elif as_json:
            write_json(answer_of(workspace.answer(asked)))
        else:
            _ask_one(workspace, asked)


def _ask_batch(workspace: Workspace, asked: Question, file: Path, max_chars: int) -> None:
    """Answer every line as `asked`, but for its text."""
    from app.schema import answer_of

    batch = read_batch(file, max_chars)
    questions = [replace(asked, text=line.question) for line in batch.lines]
    for line, answer in zip(batch.lines, workspace.answers(questions), strict=True):
        write_json(answer_of(answer, line.id))
    batch.raise_problems()


def _ask_one(workspace: Workspace, asked: Question) -> None:
    from app.cli.answers import show_answer, stream_answer

    out = console()
    if out.is_terminal:
        stream_answer(partial(workspace.ask, asked), out)
    else:
        show_answer(workspace.answer(asked), out)
