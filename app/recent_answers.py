"""The answers given lately, on which a reader may still give a verdict, at any copy of the server."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter

from answering.values import Answer, Event, Finished
from app.copies.lately import Lately
from knowledge_base.errors import NotFoundError, StorageError

# Each holds its passages, a few kilobytes.
_REMEMBERED = 500


class RecentAnswers:
    """Some hundred answers of one home, the oldest of which are forgotten first."""

    def __init__(self, home: Path) -> None:
        self._records = Lately(home, "answers", _REMEMBERED)

    def noting(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events as they come; a finished answer is remembered before it is passed on."""
        for event in events:
            if isinstance(event, Finished):
                self._note(event.answer)
            yield event

    def get(self, answer_id: str) -> Answer:
        """An answer by its id; NotFoundError for one that is no longer known."""
        record = self._records.get(answer_id)
        if record is None:
            raise NotFoundError(
                "This answer is no longer remembered.", "Ask the question again and judge the new answer."
            )
        return self._shape.validate_json(record.body)

    @cached_property
    def _shape(self) -> TypeAdapter[Answer]:
        return TypeAdapter(Answer)

    def _note(self, answer: Answer) -> None:
        with suppress(StorageError):  # on a full disk an answer is worth more than a verdict on it
            self._records.put(answer.id, self._shape.dump_json(answer).decode())
