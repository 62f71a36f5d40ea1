"""PPT, as PowerPoint 97 to 2003 and WPS write it: slides with titles, texts and notes. ([MS-PPT].)"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected, spend
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.ole import OldVersionError, compound_title, open_compound, protected, stream
from knowledge_base.loaders.tables import table_blocks
from knowledge_base.loaders.titles import own_title
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_ENCRYPTED = 0xF3D1C4DF
# Types of records.
_DOCUMENT, _SLIDE, _NOTES, _SLIDE_ATOM = 1000, 1006, 1008, 1007
_LIST, _PERSIST, _HEADER, _CHARACTERS, _BYTES, _OUTLINE_REFERENCE = 4080, 1011, 3999, 4000, 4008, 3998
_USER_EDIT, _DIRECTORY, _PLACEHOLDER = 4085, 6002, 3011
_DRAWING, _GROUP, _SHAPE, _BOX, _ANCHOR, _CHILD_ANCHOR, _CLIENT = (
    1036,
    0xF003,
    0xF004,
    0xF00D,
    0xF010,
    0xF00F,
    0xF011,
)
_CONTAINER = 0xF  # the version of records that hold others
_TITLE_TEXTS = (0, 6)
_FRAME = (7, 8, 9, 10)  # placeholders of date, number, footer and header
_SLIDES, _NOTES_LIST = 0, 2
_DEEPEST = 40


def load_old_slides(data: bytes) -> LoadedFile:
    """Read a presentation; LoadError if it is damaged, protected or older than PowerPoint 97."""
    with open_compound(data) as file:
        current = stream(file, "Current User")
        document = stream(file, "PowerPoint Document")
        title = own_title(compound_title(file))
    if len(current) < 20:  # noqa: PLR2004 - up to the place of the last edit
        raise OldVersionError("ppt")
    mark, last_edit = struct.unpack_from("<II", current, 12)
    if mark == _ENCRYPTED:
        raise protected()
    notes: list[Note] = []
    return collected(title, _Deck(document, last_edit, notes).blocks(), notes)


@dataclass(frozen=True, slots=True)
class _Record:
    """A record: its kind, the instance that its header names, and where its content stands."""

    kind: int
    instance: int
    is_container: bool
    start: int
    end: int


@dataclass(slots=True)
class _Shape:
    """A shape with text, or a group of shapes."""

    top: int = 0
    left: int = 0
    texts: list[str] = field(default_factory=list)
    is_title: bool = False
    placeholder: int = -1
    parts: list["_Shape"] = field(default_factory=list)


@dataclass(slots=True)
class _Entry:
    """A slide in the document's list: where its record is, its identifier, and texts kept in the list."""

    persist: int
    identifier: int
    texts: list[tuple[int, str]] = field(default_factory=list)


class _Deck:
    def __init__(self, data: bytes, last_edit: int, notes: list[Note]) -> None:
        self._data = data
        self._notes = notes
        self._places, self._document = self._directory(last_edit)

    def blocks(self) -> Iterator[Block]:
        """The blocks of all slides, each with its notes."""
        lists = {record.instance: record for record in self._inside(self._document) if record.kind == _LIST}
        notes = {entry.identifier: entry for entry in self._entries(lists.get(_NOTES_LIST))}
        for number, entry in enumerate(self._entries(lists.get(_SLIDES)), start=1):
            spend()
            record = self._record_at(self._places.get(entry.persist, -1))
            if record is None:
                self._notes.append(Note("pages_damaged", pages=(number,)))
                continue
            yield from self._slide(record, entry, number)
            identifier = next(
                (self._notes_of(atom) for atom in self._inside(record) if atom.kind == _SLIDE_ATOM), 0
            )
            if (remarks := notes.get(identifier)) is not None:
                yield from self._remarks(remarks, number)

    def _slide(self, record: _Record, entry: _Entry, number: int) -> Iterator[Block]:
        shapes = sorted(self._shapes(record, entry.texts), key=lambda shape: (shape.top, shape.left))
        title = next((shape for shape in shapes if shape.is_title and shape.texts), None)
        if title is not None:
            yield Block(on_one_line(" ".join(title.texts)), "heading", 1, number)
        for shape in shapes:
            if shape is not title:
                yield from _shape_blocks(shape, number)

    def _remarks(self, entry: _Entry, number: int) -> Iterator[Block]:
        record = self._record_at(self._places.get(entry.persist, -1))
        for shape in self._shapes(record, entry.texts) if record is not None else ():
            yield from _shape_blocks(shape, number)

    def _directory(self, edit: int) -> tuple[dict[int, int], _Record]:
        """Where records are: later edits of the file go before earlier ones (2.1.2)."""
        places: dict[int, int] = {}
        document = 0
        edit = edit if self._is_edit(edit) else self._last_edit()
        seen: set[int] = set()
        while edit and edit not in seen:
            seen.add(edit)
            record = self._record_at(edit)
            if record is None or record.kind != _USER_EDIT:
                break
            edit, directory, root = struct.unpack_from("<8xIII", self._data, record.start)
            document = document or root
            self._read_directory(directory, places)
        found = self._record_at(places.get(document, -1))
        if found is None or found.kind != _DOCUMENT:
            raise LoadError("The file is damaged: its list of slides is missing.", "Obtain an intact copy.")
        return places, found

    def _is_edit(self, place: int) -> bool:
        record = self._record_at(place)
        return record is not None and record.kind == _USER_EDIT

    def _last_edit(self) -> int:
        """Where the last edit is, found by looking for it; 0 if there is none."""
        head = struct.pack("<HH", 0, _USER_EDIT)
        return max(self._data.rfind(head), 0)

    def _read_directory(self, place: int, places: dict[int, int]) -> None:
        record = self._record_at(place)
        at = record.start if record is not None and record.kind == _DIRECTORY else 1 << 40
        while record is not None and at + 4 <= record.end:
            head = struct.unpack_from("<I", self._data, at)[0]
            first, count = head & 0xFFFFF, min(head >> 20, (record.end - at - 4) // 4)
            for number, offset in enumerate(struct.unpack_from(f"<{count}I", self._data, at + 4)):
                places.setdefault(first + number, offset)
            at += 4 + 4 * count

    def _record_at(self, place: int) -> _Record | None:
        if not 0 <= place <= len(self._data) - 8:
            return None
        head, kind, length = struct.unpack_from("<HHI", self._data, place)
        end = min(place + 8 + length, len(self._data))
        return _Record(kind, head >> 4, head & 0xF == _CONTAINER, place + 8, end)

    def _inside(self, record: _Record) -> Iterator[_Record]:
        place = record.start
        while place + 8 <= record.end and (found := self._record_at(place)) is not None:
            yield found
            place = found.end

    def _entries(self, record: _Record | None) -> list[_Entry]:
        """The slides of a list in their order, with the texts that stand in it."""
        entries: list[_Entry] = []
        kind = 0
        for found in self._inside(record) if record is not None else ():
            if found.kind == _PERSIST:
                persist, _, _, identifier = struct.unpack_from("<IIiI", self._data, found.start)
                entries.append(_Entry(persist, identifier))
            elif found.kind == _HEADER:
                kind = struct.unpack_from("<I", self._data, found.start)[0]
                if entries:
                    entries[-1].texts.append((kind, ""))
            elif found.kind in (_CHARACTERS, _BYTES) and entries and entries[-1].texts:
                entries[-1].texts[-1] = (kind, self._string(found))
        return entries

    def _notes_of(self, atom: _Record) -> int:
        if atom.end - atom.start < 20:  # noqa: PLR2004 - up to the identifier of the notes
            return 0
        identifier: int = struct.unpack_from("<I", self._data, atom.start + 16)[0]
        return identifier

    def _shapes(self, record: _Record, outline: list[tuple[int, str]]) -> list[_Shape]:
        drawing = next((found for found in self._inside(record) if found.kind == _DRAWING), None)
        root = _Shape()
        if drawing is not None:
            self._gather(drawing, root, outline, 0)
        return root.parts

    def _gather(self, record: _Record, into: _Shape, outline: list[tuple[int, str]], depth: int) -> None:
        for found in self._inside(record) if depth < _DEEPEST else ():
            if found.kind == _SHAPE:
                into.parts.append(self._shape(found, outline))
            elif found.kind == _GROUP and depth > 1:
                group = _Shape()
                self._gather(found, group, outline, depth + 1)
                if group.parts:  # the first shape of a group is its frame
                    group.top, group.left = group.parts[0].top, group.parts[0].left
                into.parts.append(group)
            elif found.is_container:
                self._gather(found, into, outline, depth + 1)

    def _shape(self, record: _Record, outline: list[tuple[int, str]]) -> _Shape:
        shape = _Shape()
        for found in self._inside(record):
            if found.kind == _ANCHOR and found.end - found.start >= 8:  # noqa: PLR2004 - small rectangle
                form = "<hh" if found.end - found.start < 16 else "<ii"  # noqa: PLR2004
                shape.top, shape.left = struct.unpack_from(form, self._data, found.start)
            elif found.kind == _CHILD_ANCHOR and found.end - found.start >= 16:  # noqa: PLR2004
                shape.left, shape.top = struct.unpack_from("<ii", self._data, found.start)
            elif found.kind == _BOX:
                self._box(found, shape, outline)
            elif found.kind == _CLIENT:
                for atom in self._inside(found):
                    if atom.kind == _PLACEHOLDER and atom.end - atom.start >= 5:  # noqa: PLR2004
                        shape.placeholder = self._data[atom.start + 4]
        return shape

    def _box(self, record: _Record, shape: _Shape, outline: list[tuple[int, str]]) -> None:
        kind = -1
        for found in self._inside(record):
            text = ""
            if found.kind == _HEADER:
                kind = struct.unpack_from("<I", self._data, found.start)[0]
            elif found.kind in (_CHARACTERS, _BYTES):
                text = self._string(found)
            elif found.kind == _OUTLINE_REFERENCE:
                index = struct.unpack_from("<I", self._data, found.start)[0]
                kind, text = outline[index] if index < len(outline) else (kind, "")
            lines = text.replace("\v", "\n").split("\r")
            shape.texts += [
                "\n".join(filter(None, map(on_one_line, line.split("\n"))))
                for line in lines
                if line.strip(" *")
            ]
            shape.is_title = shape.is_title or kind in _TITLE_TEXTS

    def _string(self, record: _Record) -> str:
        data = self._data[record.start : record.end]
        return data.decode("utf-16-le" if record.kind == _CHARACTERS else "latin-1", errors="replace")


def _shape_blocks(shape: _Shape, number: int) -> Iterator[Block]:
    if shape.parts:
        grid = _grid([part for part in shape.parts if part.texts])
        if grid:
            yield from table_blocks(grid, page=number)
        else:
            for part in sorted(shape.parts, key=lambda part: (part.top, part.left)):
                yield from _shape_blocks(part, number)
    elif shape.placeholder not in _FRAME:
        yield from (Block(text, page=number) for text in shape.texts)


def _grid(cells: list[_Shape]) -> list[list[str]]:
    """The rows of a table, which is a group of shapes in rows and columns; [] for any other group."""
    tops, lefts = sorted({cell.top for cell in cells}), sorted({cell.left for cell in cells})
    if len(tops) < 2 or len(lefts) < 2 or len(cells) * 2 < len(tops) * len(lefts):  # noqa: PLR2004
        return []
    if any(cell.parts for cell in cells) or len({(cell.top, cell.left) for cell in cells}) < len(cells):
        return []
    grid = [["" for _ in lefts] for _ in tops]
    for cell in cells:
        grid[tops.index(cell.top)][lefts.index(cell.left)] = "\n".join(cell.texts)
    return grid
