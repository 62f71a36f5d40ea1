"""DOC, as Word 97 to 2003 and WPS Writer write it: headings, paragraphs, tables, notes. ([MS-DOC].)"""

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected, spend
from knowledge_base.loaders.formula import joined_runs, superscript
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.old_word_lists import OldNumbering
from knowledge_base.loaders.old_word_properties import Properties, Styles, character_runs, paragraph_runs
from knowledge_base.loaders.ole import OldVersionError, compound_title, open_compound, protected, stream
from knowledge_base.loaders.tables import merged, table_blocks
from knowledge_base.loaders.titles import own_title
from knowledge_base.values import Block, LoadedFile

_WORD_2 = b"\xdb\xa5\x2d\x00"  # how its files begin, which have no streams
_MAGIC, _WORD_97 = 0xA5EC, 0xC1
_ENCRYPTED, _TABLE_1 = 0x100, 0x200
_COMPRESSED = 0x40000000
# Places of (offset, length) pairs in the header, counted from its table of them.
_STYLES, _FOOTNOTES, _CHARACTERS, _PARAGRAPHS, _PIECES, _ENDNOTES, _LISTS = 1, 2, 12, 13, 33, 46, 73
_FIELD_BEGIN, _FIELD_MIDDLE, _FIELD_END, _NOTE = "\x13", "\x14", "\x15", "\x02"
_SIGNS = {"\x0b": "\n", "\x1e": "-", "\x1f": "", "\xa0": " ", "\x07": "", "\r": "", "\x0c": ""}
_END = "\r\x07\x0c"


def load_old_word(data: bytes) -> LoadedFile:
    """Read a document; LoadError if it is damaged, protected or older than Word 97."""
    if data.startswith(_WORD_2):
        raise OldVersionError("doc")
    with open_compound(data) as file:
        main = stream(file, "WordDocument")
        header = _Header(main)
        if header.flags & _ENCRYPTED:
            raise protected()
        table = stream(file, "1Table" if header.flags & _TABLE_1 else "0Table")
        title = own_title(compound_title(file))
    document = _Document(main, table, header)
    return collected(title or document.title, document.blocks())


class _Header:
    def __init__(self, main: bytes) -> None:
        if len(main) < 0x22A:  # noqa: PLR2004 - up to the places of the endnotes
            raise LoadError("The file is damaged: its header is missing.", "Obtain an intact copy.")
        magic, version, self.flags = struct.unpack_from("<HH6xH", main)
        if magic != _MAGIC or version < _WORD_97:
            raise OldVersionError("doc")
        # of the text, and behind it footnotes, headers, macros, comments, endnotes, text boxes
        self.lengths = struct.unpack_from("<7i", main, 0x4C)
        self._main = main

    def place(self, index: int) -> tuple[int, int]:
        """Offset and length of a structure in the table stream."""
        at = 0x9A + 8 * index
        return struct.unpack_from("<ii", self._main, at) if at + 8 <= len(self._main) else (0, 0)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters `start` to `end` of the text, which lie at `offset` of the file, one or two bytes each."""

    start: int
    end: int
    offset: int
    width: int


@dataclass(slots=True)
class _Row:
    cells: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class _Document:
    def __init__(self, main: bytes, table: bytes, header: _Header) -> None:
        self._main = main
        self._table = table
        self._header = header
        self.title = ""
        self._pieces = list(_pieces(table, *header.place(_PIECES)))
        self._starts = [piece.start for piece in self._pieces]
        self._paragraphs = paragraph_runs(main, table, header.place(_PARAGRAPHS))
        self._characters = character_runs(main, table, header.place(_CHARACTERS))
        self._styles = Styles(table, *header.place(_STYLES))
        self._numbering = OldNumbering(table, header.place(_LISTS), header.place(_LISTS + 1))
        text, footnotes, headers, macros, comments, endnotes, boxes = header.lengths
        self._notes = {
            **self._note_spans(_FOOTNOTES, text),
            **self._note_spans(_ENDNOTES, text + footnotes + headers + macros + comments),
        }
        self._box_text = (text + footnotes + headers + macros + comments + endnotes, boxes)
        self._waiting: list[str] = []
        self._fields: list[bool] = []  # those that are open, and whether their instruction is not over yet
        self._count = 0
        self._rows: list[list[str]] = []
        self._row = _Row()

    def blocks(self) -> Iterator[Block]:
        """The blocks of the text, then those of its text boxes."""
        yield from self._part(0, self._header.lengths[0])
        yield from self._part(*self._box_text)

    def _part(self, start: int, length: int) -> Iterator[Block]:
        for first, end in self._paragraph_spans(start, start + length):
            yield from self._paragraph(first, end)
        yield from self._ended_table()

    def _paragraph_spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        first = start
        for piece in self._pieces:
            at, stop = max(piece.start, start), min(piece.end, end)
            text = self._raw(piece, at, stop) if at < stop else ""
            for place, sign in enumerate(text):
                if sign in _END:
                    yield first, at + place + 1
                    first = at + place + 1
        if first < end:
            yield first, end

    def _paragraph(self, first: int, end: int) -> Iterator[Block]:
        spend()
        mark = self._file_place(end - 1)
        properties = self._styles.completed(self._paragraphs.at(mark))
        if properties.ends_row:
            self._end_row(properties)
            return
        last = self._raw_text(end - 1, end)
        text = self._text(first, end)
        if text:
            text = self._numbering.mark(properties.list_id, properties.list_level) + text
        if properties.in_table or last == "\x07":
            self._row.lines += [text] if text else []
            if last == "\x07":
                self._row.cells.append("\n".join(self._row.lines))
                self._row.lines = []
            return
        yield from self._ended_table()
        if text and properties.level:
            if properties.is_title and not self.title:
                self.title = on_one_line(text)
            yield Block(on_one_line(text), "heading", properties.level)
        elif text:
            yield Block(text)
        yield from self._given_notes()

    def _end_row(self, properties: Properties) -> None:
        cells: list[str] = []
        above = self._rows[-1] if self._rows else []
        for place, text in enumerate(self._row.cells):
            merge = properties.merges[place] if place < len(properties.merges) else ""
            if merge == "left" and cells:
                cells.append(merged(cells[-1]))
            elif merge == "above" and place < len(above):
                cells.append(merged(above[place]))
            else:
                cells.append(text)
        if cells:
            self._rows.append(cells)
        self._row = _Row()

    def _ended_table(self) -> Iterator[Block]:
        if self._row.cells or self._row.lines:
            self._row.cells.append("\n".join(self._row.lines))
            self._rows.append(self._row.cells)
            self._row = _Row()
        rows, self._rows = self._rows, []
        if max((len(row) for row in rows), default=0) == 1:
            yield from (Block(row[0]) for row in rows if row[0])
        else:
            yield from table_blocks(rows)
        if rows:
            yield from self._given_notes()

    def _given_notes(self) -> Iterator[Block]:
        waiting, self._waiting = self._waiting, []
        yield from map(Block, waiting)

    def _note_spans(self, index: int, start: int) -> dict[int, tuple[int, int]]:
        """Where the text of each note stands, by the place that refers to it."""
        references = _positions(self._table, self._header.place(index), 2)
        texts = _positions(self._table, self._header.place(index + 1), 0)
        spans = zip(texts, texts[1:], strict=False)
        return {at: (start + first, start + end) for at, (first, end) in zip(references, spans, strict=False)}

    def _text(self, first: int, end: int) -> str:
        """Lines of a paragraph without instructions of fields, deleted and hidden text."""
        runs: list[tuple[str, str]] = []
        for at, text, shape in self._shaped(first, end):
            for place, sign in enumerate(text):
                if sign == _FIELD_BEGIN:
                    self._fields.append(True)
                elif sign == _FIELD_MIDDLE and self._fields:
                    self._fields[-1] = False
                elif sign == _FIELD_END and self._fields:
                    self._fields.pop()
                elif not any(self._fields):
                    runs.append((shape, self._sign(sign, at + place)))
        lines = (on_one_line(line) for line in joined_runs(runs).split("\n"))
        return "\n".join(line for line in lines if line)

    def _sign(self, sign: str, at: int) -> str:
        if sign == _NOTE and at in self._notes:
            self._count += 1
            mark = superscript(str(self._count))
            first, end = self._notes[at]
            text = " ".join(self._plain(first, end).split())
            self._waiting.append(f"{mark} {text}")
            return mark
        return _SIGNS.get(sign, sign if sign >= " " or sign == "\t" else "")

    def _plain(self, first: int, end: int) -> str:
        parts = (text for _, text, _ in self._shaped(first, end))
        return "".join(_SIGNS.get(sign, sign if sign >= " " else " ") for part in parts for sign in part)

    def _shaped(self, first: int, end: int) -> Iterator[tuple[int, str, str]]:
        """Runs of visible characters: their place, text and shape (see `joined_runs`)."""
        for piece in self._pieces[max(bisect_right(self._starts, first) - 1, 0) :]:
            at, stop = max(piece.start, first), min(piece.end, end)
            if at >= end:
                break
            while at < stop:
                offset = piece.offset + (at - piece.start) * piece.width
                run, until = self._characters.run_at(offset)
                after = min(stop, at + max((until - offset) // piece.width, 1))
                if not (run.deleted or run.hidden):
                    yield at, self._raw(piece, at, after), run.shape
                at = after

    def _raw(self, piece: _Piece, at: int, stop: int) -> str:
        begin = piece.offset + (at - piece.start) * piece.width
        data = self._main[begin : begin + (stop - at) * piece.width]
        return data.decode("utf-16-le" if piece.width > 1 else "cp1252", errors="replace")

    def _raw_text(self, first: int, end: int) -> str:
        piece = self._pieces[max(bisect_right(self._starts, first) - 1, 0)]
        return self._raw(piece, first, end)

    def _file_place(self, at: int) -> int:
        piece = self._pieces[max(bisect_right(self._starts, at) - 1, 0)]
        return piece.offset + (at - piece.start) * piece.width


def _pieces(table: bytes, offset: int, length: int) -> Iterator[_Piece]:
    """The pieces of the text (2.8.35 PlcPcd); LoadError if there are none."""
    clx = table[offset : offset + length]
    at = 0
    while at + 3 <= len(clx) and clx[at] == 1:  # properties that pieces refer to
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if at + 5 > len(clx) or clx[at] != 2:  # noqa: PLR2004 - the mark of the pieces
        raise LoadError("The file is damaged: it ends before its text.", "Obtain an intact copy.")
    size = struct.unpack_from("<I", clx, at + 1)[0]
    count = (min(size, len(clx) - at - 5) - 4) // 12
    places = struct.unpack_from(f"<{count + 1}i", clx, at + 5)
    for number in range(count):
        offset = struct.unpack_from("<I", clx, at + 5 + 4 * (count + 1) + 8 * number + 2)[0]
        compressed = bool(offset & _COMPRESSED)
        offset &= _COMPRESSED - 1
        yield _Piece(
            places[number], places[number + 1], offset // 2 if compressed else offset, 2 - compressed
        )


def _positions(table: bytes, where: tuple[int, int], size: int) -> Sequence[int]:
    """The places of a list of places, each but the last with `size` bytes behind them."""
    offset, length = where
    if length < 4 or offset < 0 or offset + length > len(table):  # noqa: PLR2004 - one place
        return ()
    count = (length - 4) // (4 + size) + 1
    return struct.unpack_from(f"<{count}i", table, offset)
