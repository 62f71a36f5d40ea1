"""The conversation as the page keeps it in the browser: a tuple of exchanges that JSON can hold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from answering.values import (
    Answer,
    Citation,
    Event,
    Finished,
    Outcome,
    Piece,
    Profile,
    Searched,
    Sentence,
    Turn,
)

Vote = Literal["", "up", "down"]
Stage = Literal["waiting", "searching", "reading", "writing"]

_KEPT = 40  # a browser keeps about 5 MB for one page; forty exchanges with their quotes take some 200 kB


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer as it is shown. A stopped answer has no id, and its text is what had come so far."""

    adapter: str
    text: str
    id: str = ""
    outcome: Outcome = "answered"
    confidence: float | None = None
    threshold: float = 0.0
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    nearest: tuple[str, ...] = ()
    seconds: float = 0.0
    vote: Vote = ""
    profile: Profile = "span"

    @property
    def refused(self) -> bool:
        """Whether the question is not answered: nothing was found, or only something related."""
        return self.outcome in ("related", "not_found")

    @property
    def stopped(self) -> bool:
        """Whether the answer was stopped before it was checked."""
        return not self.id


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with one answer, or with two that are compared."""

    question: str
    collection: str
    answers: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Arriving:
    """An answer that is being made, beside so many `others` that make it slower."""

    adapter: str
    stage: Stage = "waiting"
    passages: int = 0
    text: str = ""
    answer: Answer | None = None
    others: int = 0

    def after(self, event: Event | None) -> "Arriving":
        """The same answer one event later; None says that the work on it began."""
        match event:
            case None:
                return replace(self, stage="searching")
            case Searched(ranked):
                return replace(self, stage="reading", passages=len(ranked))
            case Piece(text):
                return replace(self, stage="writing", text=self.text + text)
            case Finished(answer):
                return replace(self, answer=answer)

    def shown(self) -> Shown:
        """As it is kept: the checked answer, or what had come when it was stopped."""
        return shown(self.answer) if self.answer else Shown(self.adapter, self.text)


_EXCHANGES = TypeAdapter(tuple[Exchange, ...])


def shown(answer: Answer) -> Shown:
    """What the page keeps of a finished answer."""
    return Shown(
        adapter=answer.adapter,
        text=answer.text,
        id=answer.id,
        outcome=answer.outcome,
        confidence=answer.confidence,
        threshold=answer.threshold,
        sentences=answer.sentences,
        citations=answer.citations,
        nearest=answer.nearest,
        seconds=answer.seconds,
        profile=answer.profile,
    )


def packed(exchanges: Sequence[Exchange]) -> list[object]:
    """Exchanges as JSON, the latest ones if there are very many."""
    result: list[object] = _EXCHANGES.dump_python(tuple(exchanges[-_KEPT:]), mode="json")
    return result


def unpacked(stored: object) -> tuple[Exchange, ...]:
    """Exchanges from what a browser kept; nothing if another version of the page wrote it."""
    try:
        return _EXCHANGES.validate_python(stored)
    except ValidationError:
        return ()


def turns(exchanges: Sequence[Exchange], collection: str) -> tuple[Turn, ...]:
    """The conversation as a follow-up question sees it: finished answers from the same collection."""
    return tuple(
        Turn(exchange.question, exchange.answers[0].text)
        for exchange in exchanges
        if exchange.collection == collection and exchange.answers and not exchange.answers[0].stopped
    )


def voted(exchanges: Sequence[Exchange], answer_id: str, vote: Vote) -> tuple[Exchange, ...]:
    """The same exchanges with the vote on one answer."""
    return tuple(
        replace(
            exchange,
            answers=tuple(replace(a, vote=vote) if a.id == answer_id else a for a in exchange.answers),
        )
        for exchange in exchanges
    )
