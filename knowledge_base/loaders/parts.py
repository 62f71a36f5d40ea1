"""Files within files: what is attached to a mail or held by an archive is read by its own loader."""

from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import replace

from knowledge_base.errors import LoadError
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.notes import Note
from knowledge_base.values import Block

_DEEPEST = 3
_DEEPEST_HEADING = 6
_depth: ContextVar[int] = ContextVar("depth", default=0)


def part_blocks(name: str, data: bytes, notes: list[Note], *, suffix: str | None = None) -> Iterator[Block]:
    """The blocks of a file within a file, below its name as a heading; one that is not read is noted.

    Its pages are not those of the file around it, so blocks lose theirs.
    """
    from knowledge_base.loaders.registry import formats, parse, suffix_of  # knows the loaders that call this

    suffix = suffix_of(name) if suffix is None else suffix
    if suffix not in formats() or _depth.get() >= _DEEPEST:
        notes.append(Note("part_nested" if suffix in formats() else "part_unread", name=name))
        return
    token = _depth.set(_depth.get() + 1)
    try:
        loaded = parse(data, suffix)
    except LoadError:
        notes.append(Note("part_damaged", name=name))
        return
    finally:
        _depth.reset(token)
    notes += (replace(note, name=f"{name}/{note.name}" if note.name else name) for note in loaded.notes)
    if name:
        yield Block(on_one_line(name), "heading", 2)
    for block in loaded.blocks:
        level = min(block.level + 2, _DEEPEST_HEADING) if block.kind == "heading" and name else block.level
        yield replace(block, level=level, page=None)
