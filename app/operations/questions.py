"""Answers, and passages without an answer."""

from collections.abc import Sequence

from pydantic_core import to_json

from answering.values import Finished, Piece, Question, Searched
from app.operations.values import Home, Listener, operation
from app.schema import Answer, Line, SearchResponse, answer_of, search_of
from knowledge_base.errors import UnavailableError
from retrieval.values import Filter


@operation
def ask(home: Home, listener: Listener, question: Question, line: Line | None = None) -> Answer:
    """Answer a question.

    Tells how many passages were "searched", each "piece" of text, and the "sentences" with their citations.
    """
    for event in home.workspace.ask(question, listener.cancelled):
        if isinstance(event, Searched):
            listener.hear("searched", len(event.ranked))
        elif isinstance(event, Piece):
            listener.hear("piece", event.text)
        elif isinstance(event, Finished):
            listener.hear("sentences", event.answer.sentences)
            return answer_of(event.answer, line)
    raise UnavailableError("The answer was cancelled.", "Ask again.")


@operation
def search(  # noqa: PLR0913, PLR0917 - what is looked for, where, and how much of it
    home: Home, listener: Listener, question: str, collection: str, limit: Filter, k: int | None = None
) -> SearchResponse:
    """The best passages for a question; tells the "seconds" that it took."""
    (found,) = home.workspace.search([question], collection, k=k, limit=limit)
    listener.hear("seconds", found.seconds)
    return search_of(found, collection)


@operation
def search_batch(  # noqa: PLR0913, PLR0917 - what is looked for, where, and how much of it
    home: Home,
    listener: Listener,
    questions: Sequence[tuple[Line, str]],
    collection: str,
    limit: Filter,
    k: int | None = None,
) -> list[str]:
    """The same for lines of a batch, ids with questions: a text of JSON for each, in order."""
    found = home.workspace.search([text for _, text in questions], collection, k=k, limit=limit)
    shapes = (search_of(one, collection, line) for one, (line, _) in zip(found, questions, strict=True))
    return [to_json(shape).decode() for shape in shapes]
