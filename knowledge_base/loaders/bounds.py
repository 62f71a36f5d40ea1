"""How much text and time one document may take: counted while it grows, not when it is too late."""

import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from knowledge_base.notes import Note, NoteKind
from knowledge_base.values import Block, LoadedFile

MOST_CHARACTERS = 20_000_000  # some 8,000 printed pages
MOST_SECONDS = 120  # of the processor: a busy machine reads as much as an idle one
_MOST_IN_BLOCK = 1_000_000


class BoundReachedError(Exception):
    """The document has grown to a bound of text ("text_cut") or time ("time_cut")."""

    def __init__(self, kind: NoteKind) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(slots=True)
class _Budget:
    characters: int = MOST_CHARACTERS
    ends: float = field(default_factory=lambda: time.thread_time() + MOST_SECONDS)
    is_cut: bool = False  # the block that is made just now does not hold all of its text


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
        raise BoundReachedError("text_cut")
    if time.thread_time() > budget.ends:
        raise BoundReachedError("time_cut")


def limited(texts: Iterable[str]) -> Iterator[str]:
    """Texts that become one block, as far as one may hold them; cells may share a text that is very long."""
    room = _MOST_IN_BLOCK
    for text in texts:
        yield text[:room]
        room -= len(text)
        if room < 0:
            if (budget := _budget.get()) is not None:
                budget.is_cut = True
            return


def collected(title: str, blocks: Iterable[Block], notes: list[Note] | None = None) -> LoadedFile:
    """A file from the blocks its loader makes one by one, cut where text or time reach their bounds.

    `notes` may still grow while `blocks` is consumed.
    """
    notes = [] if notes is None else notes
    found: list[Block] = []
    token = _budget.set(_Budget()) if _budget.get() is None else None
    try:
        for block in blocks:
            spend(len(block.text))
            found.append(block)
            if (budget := _budget.get()) is not None and budget.is_cut:
                raise BoundReachedError("text_cut")
    except RecursionError:
        notes.append(Note("nesting_cut"))
    except BoundReachedError as error:
        read = sum(len(block.text) for block in found)
        notes.append(Note(error.kind, count=read if error.kind == "text_cut" else MOST_SECONDS))
    finally:
        if token is not None:
            _budget.reset(token)
    return LoadedFile(title, tuple(found), _drawn_together(notes))


def _drawn_together(notes: list[Note]) -> tuple[Note, ...]:
    """Notes without repetition, those of damaged pages as one."""
    pages = sorted({page for note in notes if note.kind == "pages_damaged" for page in note.pages})
    others = dict.fromkeys(note for note in notes if note.kind != "pages_damaged")
    return (*others, *([Note("pages_damaged", pages=tuple(pages))] if pages else []))
