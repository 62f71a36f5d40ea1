"""XLSB: the binary form of a workbook, with values as the program shows them. ([MS-XLSB].)"""

import struct
from collections.abc import Iterator

from knowledge_base.loaders.numbers import BUILT_IN, general, shown_number, shown_text
from knowledge_base.loaders.package import Package
from knowledge_base.loaders.workbook import CellCounter, Sheet
from knowledge_base.notes import Note

# Types of records.
_ROW, _BLANK, _RK, _ERROR, _BOOLEAN, _REAL, _TEXT, _SHARED = 0, 1, 2, 3, 4, 5, 6, 7
_FORMULA_TEXT, _FORMULA_NUMBER, _FORMULA_BOOLEAN, _FORMULA_ERROR = 8, 9, 10, 11
_STRING, _FORMAT, _STYLE, _COLUMN, _SHEET, _BOOK, _MERGE = 19, 44, 47, 60, 156, 153, 176
_STYLES_BEGIN, _STYLES_END = 617, 618
_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_HIDDEN_ROW, _HIDDEN_COLUMN = 0x10, 0x1


def binary_sheets(package: Package) -> Iterator[tuple[Sheet | None, bool]]:
    """The sheets of a workbook and whether they are hidden; see `workbook.book_blocks`."""
    book = package.read(package.main)
    styles = package.related(package.main, "styles")
    strings = package.related(package.main, "sharedStrings")
    reader = _Reader(
        _strings(package.read(strings[0])) if strings else [],
        list(_codes(package.read(styles[0]))) if styles else [],
        any(kind == _BOOK and data and data[0] & 1 for kind, data in _records(book)),
    )
    relations = package.relations(package.main)
    for kind, data in _records(book):
        if kind != _SHEET:
            continue
        state = struct.unpack_from("<I", data)[0]
        identifier, at = _wide(data, 8)
        name, _ = _wide(data, at)
        relation = relations.get(identifier)
        if state:
            yield None, True
        elif relation is None or relation.target not in package:
            package.notes.append(Note("part_damaged", name=name))
            yield None, False
        else:
            yield (
                (reader.sheet(name, package.read(relation.target)) if relation.kind == "worksheet" else None),
                False,
            )


class _Reader:
    def __init__(self, strings: list[str], codes: list[str], since_1904: bool) -> None:
        self._strings = strings
        self._codes = codes
        self._since_1904 = since_1904
        self._counter = CellCounter()

    def sheet(self, name: str, data: bytes) -> Sheet:
        """A sheet's cells as they are shown."""
        sheet = Sheet(name)
        row = 0
        for kind, record in _records(data):
            if kind == _ROW:
                row, _, flags = struct.unpack_from("<IIxxxH", record.ljust(16, b"\0"))
                self._counter.count(1)
                if flags >> 8 & _HIDDEN_ROW or record[11:12] and record[11] & _HIDDEN_ROW:
                    sheet.hidden_rows.add(row)
            elif kind == _COLUMN:
                first, last, _, _, flags = struct.unpack_from("<IIIIH", record)
                if flags & _HIDDEN_COLUMN:
                    sheet.hidden_columns.update(range(first, min(last, 16_383) + 1))
            elif kind == _MERGE:
                top, bottom, left, right = struct.unpack_from("<IIII", record)
                sheet.merges.append((left, top, right, bottom))
            elif _BLANK < kind <= _FORMULA_ERROR:
                column, style = struct.unpack_from("<II", record)
                self._counter.count(1)
                sheet.put(row, column, self._shown(kind, record[8:], style & 0xFFFFFF))
        return sheet

    def _shown(self, kind: int, data: bytes, style: int) -> str:
        code = self._codes[style] if style < len(self._codes) else "General"
        if kind in (_TEXT, _FORMULA_TEXT):
            return shown_text(_wide(data, 0)[0], code)
        if kind == _SHARED:
            index = struct.unpack_from("<I", data)[0]
            return shown_text(self._strings[index], code) if index < len(self._strings) else ""
        if kind in (_BOOLEAN, _FORMULA_BOOLEAN):
            return "TRUE" if data[0] else "FALSE"
        if kind in (_ERROR, _FORMULA_ERROR):
            return _ERRORS.get(data[0], "")
        value = _rk(data) if kind == _RK else struct.unpack_from("<d", data)[0]
        number = int(value) if float(value).is_integer() else value
        return (
            general(number) if code == "General" else shown_number(number, code, since_1904=self._since_1904)
        )


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The records of a part: type and content. Type and length are written in seven bits a byte."""
    at = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if kind & 0x80 and at < len(data):
            kind = (kind & 0x7F) | (data[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while at < len(data) and shift < 28:  # noqa: PLR2004 - four bytes
            byte = data[at]
            size |= (byte & 0x7F) << shift
            shift += 7
            at += 1
            if not byte & 0x80:
                break
        yield kind, data[at : at + size]
        at += size


def _wide(data: bytes, at: int) -> tuple[str, int]:
    """A text behind its length, and where it ends."""
    length = struct.unpack_from("<I", data, at)[0]
    end = at + 4 + 2 * length if length != 0xFFFFFFFF else at + 4  # noqa: PLR2004 - no text at all
    return data[at + 4 : end].decode("utf-16-le", errors="replace"), end


def _rk(data: bytes) -> float:
    """A number in four bytes (2.5.122 RkNumber)."""
    raw = struct.unpack_from("<i", data)[0]
    value = float(raw >> 2) if raw & 2 else struct.unpack("<d", b"\0\0\0\0" + struct.pack("<i", raw & ~3))[0]
    return value / 100 if raw & 1 else value


def _strings(data: bytes) -> list[str]:
    return [_wide(record, 1)[0] for kind, record in _records(data) if kind == _STRING]


def _codes(data: bytes) -> Iterator[str]:
    """The format code of each cell style."""
    own: dict[int, str] = {}
    within = False
    for kind, record in _records(data):
        if kind == _FORMAT:
            own[struct.unpack_from("<H", record)[0]] = _wide(record, 2)[0]
        elif kind in (_STYLES_BEGIN, _STYLES_END):
            within = kind == _STYLES_BEGIN
        elif kind == _STYLE and within:
            number = struct.unpack_from("<HH", record)[1]
            yield own.get(number) or BUILT_IN.get(number, "General")
