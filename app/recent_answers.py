"""The answers given lately, on which a reader may still give a verdict."""

import threading
from collections import OrderedDict
from collections.abc import Iterator

from app.answering.values import Answer, Event, Finished
from knowledge_base.errors import NotFoundError

# Each holds its passages, a few kilobytes.
_REMEMBERED = 500


class RecentAnswers:
    """Some hundred answers, the oldest of which are forgotten first. Safe for many threads."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def noting(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events as they come; a finished answer is remembered before it is passed on."""
        for event in events:
            if isinstance(event, Finished):
                self._note(event.answer)
            yield event

    def get(self, answer_id: str) -> Answer:
        """An answer by its id; NotFoundError for one that is no longer known."""
        answer = self._answers.get(answer_id)
        if answer is None:
            raise NotFoundError(
                "This answer is no longer remembered.", "Ask the question again and judge the new answer."
            )
        return answer

    def _note(self, answer: Answer) -> None:
        with self._lock:
            self._answers[answer.id] = answer
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
