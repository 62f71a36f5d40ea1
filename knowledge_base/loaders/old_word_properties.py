"""How paragraphs and characters of a DOC look: property pages and the style sheet. ([MS-DOC] 2.6, 2.9.)"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

_PAGE = 512
# Single property modifiers (2.6.1, 2.6.2, 2.6.3).
_IN_TABLE, _ROW_END, _OUTLINE, _LIST_LEVEL, _LIST, _CELLS = 0x2416, 0x2417, 0x2640, 0x260A, 0x460B, 0xD608
_DELETED, _STRIKE, _HIDDEN, _SCRIPT, _DOUBLE_STRIKE = 0x0800, 0x0837, 0x083C, 0x2A48, 0x2A53
_SIZES = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_TABS = 0xC615
_MERGED, _BELOW, _BELOW_FIRST = 0x2, 0x20, 0x40
_TITLE, _LAST_HEADING, _BODY = 62, 9, 9
_NO_STYLE = 0xFFF


@dataclass(frozen=True, slots=True)
class Properties:
    """What matters of a paragraph: its heading level (0 is text), table and list."""

    style: int = 0
    in_table: bool = False
    ends_row: bool = False
    level: int = 0
    is_title: bool = False
    list_id: int = 0
    list_level: int = 0
    merges: tuple[str, ...] = ()  # of a row's cells: "left" or "above" for one that goes on


@dataclass(frozen=True, slots=True)
class Run:
    """What matters of characters; `shape` is that of `joined_runs`."""

    deleted: bool = False
    hidden: bool = False
    shape: str = ""


Value = TypeVar("Value", Properties, Run)


@dataclass(slots=True)
class Runs(Generic[Value]):
    """Values that hold from one place of the file to the next."""

    default: Value
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def at(self, place: int) -> Value:
        """The value at a place of the file."""
        return self.run_at(place)[0]

    def run_at(self, place: int) -> tuple[Value, int]:
        """The value at a place, and where it ends."""
        index = bisect_right(self.starts, place) - 1
        if index >= 0 and place < self.ends[index]:
            return self.values[index], self.ends[index]
        return self.default, self.starts[index + 1] if index + 1 < len(self.starts) else 1 << 40


def paragraph_runs(main: bytes, table: bytes, where: tuple[int, int]) -> Runs[Properties]:
    """The properties of all paragraphs (2.8.6 PlcBtePapx)."""
    runs = Runs(Properties())
    for page in _pages(main, table, where, 29):
        count = page[_PAGE - 1]
        for number in range(count):
            at = page[4 * (count + 1) + 13 * number] * 2
            if 0 < at < _PAGE - 3:
                size = 2 * page[at] - 1 if page[at] else 2 * page[at + 1]
                begin = at + (1 if page[at] else 2)
                _add(runs, page, number, _paragraph(page[begin : begin + size]))
    return _sorted(runs)


def character_runs(main: bytes, table: bytes, where: tuple[int, int]) -> Runs[Run]:
    """The properties of all characters that have some (2.8.5 PlcBteChpx)."""
    runs = Runs(Run())
    for page in _pages(main, table, where, 101):
        count = page[_PAGE - 1]
        for number in range(count):
            at = page[4 * (count + 1) + number] * 2
            data = page[at + 1 : at + 1 + page[at]] if 0 < at < _PAGE else b""
            _add(runs, page, number, _characters(data))
    return _sorted(runs)


class Styles:
    """The levels of heading styles and the lists of others (2.9.271 STSH)."""

    def __init__(self, table: bytes, offset: int, length: int) -> None:
        self._styles: list[Properties] = []
        self._bases: list[int] = []
        sheet = table[offset : offset + length] if offset >= 0 else b""
        if len(sheet) < 6:  # noqa: PLR2004 - no header
            return
        size, count, fixed = struct.unpack_from("<HHH", sheet)
        at = 2 + size
        for _ in range(count):
            if at + 2 > len(sheet):
                break
            length = struct.unpack_from("<H", sheet, at)[0]
            properties, base = _style(sheet[at + 2 : at + 2 + length], fixed)
            self._styles.append(properties)
            self._bases.append(base)
            at += 2 + length + length % 2

    def completed(self, properties: Properties) -> Properties:
        """A paragraph's properties, with what it leaves to its style."""
        number, seen = properties.style, 0
        while number < len(self._styles) and seen < len(self._styles):
            style = self._styles[number]
            level = properties.level or style.level
            properties = replace(
                properties,
                level=level,
                is_title=properties.is_title or style.is_title,
                list_id=properties.list_id or style.list_id,
                list_level=properties.list_level or style.list_level,
            )
            number, seen = self._bases[number], seen + 1
        return replace(properties, level=0) if properties.level > _LAST_HEADING else properties


def _style(data: bytes, fixed: int) -> tuple[Properties, int]:
    if len(data) < fixed + 2 or fixed < 4:  # noqa: PLR2004 - an empty place
        return Properties(), _NO_STYLE
    kind, base = struct.unpack_from("<HH", data)
    kind &= 0xFFF
    at = fixed + 2 + 2 * (struct.unpack_from("<H", data, fixed)[0] + 1)
    properties = Properties()
    if base & 0xF == 1 and at + 4 <= len(data):  # the style of a paragraph
        size = struct.unpack_from("<H", data, at)[0]
        properties = _paragraph(data[at + 2 : at + 2 + size])
    if 1 <= kind <= _LAST_HEADING:
        properties = replace(properties, level=kind)
    elif kind == _TITLE:
        properties = replace(properties, level=1, is_title=True)
    return properties, base >> 4


def _pages(main: bytes, table: bytes, where: tuple[int, int], most: int) -> Iterator[bytes]:
    """The pages of properties, each with `most` entries at the most."""
    offset, length = where
    if offset < 0 or length < 12 or offset + length > len(table):  # noqa: PLR2004 - one page at least
        return
    count = (length - 4) // 8
    for number in struct.unpack_from(f"<{count}I", table, offset + 4 * (count + 1)):
        begin = (number & 0x3FFFFF) * _PAGE
        page = main[begin : begin + _PAGE]
        if len(page) == _PAGE and 0 < page[-1] <= most:  # a damaged page costs its looks, not the text
            yield page


def _add(runs: Runs[Value], page: bytes, number: int, value: Value) -> None:
    start, end = struct.unpack_from("<II", page, 4 * number)
    runs.starts.append(start)
    runs.ends.append(end)
    runs.values.append(value)


def _sorted(runs: Runs[Value]) -> Runs[Value]:
    order = sorted(range(len(runs.starts)), key=runs.starts.__getitem__)
    return Runs(
        runs.default,
        [runs.starts[place] for place in order],
        [runs.ends[place] for place in order],
        [runs.values[place] for place in order],
    )


def _modifiers(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Property modifiers and their operands (2.6 Sprm)."""
    at = 0
    while at + 2 < len(data):
        code = struct.unpack_from("<H", data, at)[0]
        at += 2
        size = _SIZES.get(code >> 13)
        if code == _CELLS and at + 2 <= len(data):
            size = struct.unpack_from("<H", data, at)[0] - 1
            at += 2
        elif size is None:
            size = data[at]
            if code == _TABS and size == 0xFF:  # noqa: PLR2004 - too long for one byte
                return
            at += 1
        yield code, data[at : at + size]
        at += size


def _paragraph(data: bytes) -> Properties:
    found = Properties(struct.unpack_from("<H", data)[0] if len(data) > 1 else 0)
    for code, operand in _modifiers(data[2:]):
        number = int.from_bytes(operand[:2], "little")
        if code == _IN_TABLE:
            found = replace(found, in_table=bool(number))
        elif code == _ROW_END:
            found = replace(found, ends_row=bool(number))
        elif code == _OUTLINE:
            found = replace(found, level=number + 1 if number < _BODY else _BODY + 1)
        elif code == _LIST:
            found = replace(found, list_id=number if number < 0x7FF else 0)  # noqa: PLR2004 - 2.6.2, sprmPIlfo
        elif code == _LIST_LEVEL:
            found = replace(found, list_level=number)
        elif code == _CELLS:
            found = replace(found, merges=_merges(operand))
    return found


def _merges(data: bytes) -> tuple[str, ...]:
    """Which cells of a row go on from the one left or above (2.9.328 TDefTableOperand)."""
    count = data[0] if data else 0
    begin = 1 + 2 * (count + 1)
    found = []
    for at in range(begin, min(begin + 20 * count, len(data) - 1), 20):
        flags = struct.unpack_from("<H", data, at)[0]
        above = flags & _BELOW and not flags & _BELOW_FIRST
        found.append("left" if flags & _MERGED else "above" if above else "")
    return tuple(found)


def _characters(data: bytes) -> Run:
    run = Run()
    for code, operand in _modifiers(data):
        number = operand[0] if operand else 0
        if code == _DELETED:
            run = replace(run, deleted=number == 1)
        elif code == _HIDDEN:
            run = replace(run, hidden=number in (1, 0x81))
        elif code in (_STRIKE, _DOUBLE_STRIKE) and number == 1:
            run = replace(run, shape="strike")
        elif code == _SCRIPT and number in (1, 2):
            run = replace(run, shape="sup" if number == 1 else "sub")
    return run
