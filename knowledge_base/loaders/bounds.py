"""How much text and time one document may take: counted while it grows, not when it is too late."""

import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

MOST_CHARACTERS = 20_000_000  # some 8,000 printed pages
MOST_SECONDS = 120
_MOST_IN_BLOCK = 1_000_000


class BoundReachedError(Exception):
    """The document has grown to a bound; what was read before it is kept."""

    def __init__(self, note: Note) -> None:
        super().__init__(note.text())
        self.note = note


@dataclass(slots=True)
class _Budget:
    characters: int = MOST_CHARACTERS
    ends: float = field(default_factory=lambda: time.monotonic() + MOST_SECONDS)


# Of the document that this thread reads. Parts of it (attachments, sheets) draw on the same budget.
_budget: ContextVar[_Budget | None] = ContextVar("budget", default=None)


def spend(characters: int = 0) -> None:
    """Count text that was made, and look at the clock; loops that make no blocks call it too.

    Raises:
        BoundReachedError: nothing is left; `collected` keeps what came before.
    """
    budget = _budget.get()
    if budget is None:
        return
    budget.characters -= characters
    if budget.characters < 0:
        raise BoundReachedError(Note("text_cut", count=MOST_CHARACTERS))
    if time.monotonic() > budget.ends:
        raise BoundReachedError(Note("time_cut", count=MOST_SECONDS))


def collected(title: str, blocks: Iterable[Block], notes: list[Note] | None = None) -> LoadedFile:
    """A file from the blocks its loader makes one by one, cut where text or time reach their bounds.

    `notes` may still grow while `blocks` is consumed.
    """
    notes = [] if notes is None else notes
    found: list[Block] = []
    outermost = _budget.get() is None
    token = _budget.set(_Budget()) if outermost else None
    try:
        for block in blocks:
            spend(len(block.text))
            found.append(block)
    except BoundReachedError as error:
        notes.append(error.note)
        if not outermost:
            raise
    finally:
        if token is not None:
            _budget.reset(token)
    return LoadedFile(title, tuple(found), tuple(dict.fromkeys(notes)))


def limited(texts: Iterable[str]) -> Iterator[str]:
    """Texts that become one block, as far as a block may hold them: a row repeats what its cells share."""
    room = _MOST_IN_BLOCK
    for text in texts:
        if len(text) > room:
            raise BoundReachedError(Note("text_cut", count=MOST_CHARACTERS))
        room -= len(text)
        yield text
