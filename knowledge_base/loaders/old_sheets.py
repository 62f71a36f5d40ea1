"""XLS, as Excel 95 to 2003 and WPS Spreadsheets write it, with values as the program shows them."""

import io
import struct
from collections.abc import Iterator

import xlrd
from xlrd.sheet import Sheet as OldSheet

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.formula import joined_runs
from knowledge_base.loaders.numbers import general, shown_number, shown_text
from knowledge_base.loaders.ole import OLE, compound_title, open_compound, protected, stream
from knowledge_base.loaders.titles import own_title
from knowledge_base.loaders.workbook import CellCounter, Sheet, book_blocks
from knowledge_base.notes import Note
from knowledge_base.values import LoadedFile


def load_old_sheets(data: bytes) -> LoadedFile:
    """Read a workbook; LoadError if it is damaged or protected."""
    title = ""
    if data.startswith(OLE):
        with open_compound(data) as file:
            title = own_title(compound_title(file))
            data = stream(file, "Workbook") or stream(file, "Book")
    try:
        book = xlrd.open_workbook(
            file_contents=data, formatting_info=True, on_demand=True, logfile=io.StringIO()
        )
    except (xlrd.XLRDError, AssertionError, struct.error) as error:
        if "encrypted" in str(error):
            raise protected() from error
        raise LoadError(
            "The file is damaged: it is not a complete workbook.", "Obtain an intact copy."
        ) from error
    notes: list[Note] = []
    return collected(title, book_blocks(_sheets(book, notes), notes), notes)


def _sheets(book: xlrd.Book, notes: list[Note]) -> Iterator[tuple[Sheet | None, bool]]:
    counter = CellCounter()
    for number, name in enumerate(book.sheet_names()):
        try:
            sheet = book.sheet_by_index(number)
            if sheet.visibility:
                yield None, True
            else:
                yield _Reader(book, sheet, counter).sheet(), False
            book.unload_sheet(number)
        except (xlrd.XLRDError, IndexError, ValueError, AssertionError, KeyError, struct.error):
            notes.append(Note("part_damaged", name=name))
            yield None, False


_WITHOUT_TEXT = (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK)


class _Reader:
    def __init__(self, book: xlrd.Book, sheet: OldSheet, counter: CellCounter) -> None:
        self._book = book
        self._sheet = sheet
        self._counter = counter

    def sheet(self) -> Sheet:
        """The sheet's cells as they are shown."""
        sheet = Sheet(self._sheet.name)
        for row in range(self._sheet.nrows):
            kinds = self._sheet.row_types(row)
            filled = [column for column, kind in enumerate(kinds) if kind not in _WITHOUT_TEXT]
            self._counter.count(len(filled))
            for column in filled:
                sheet.put(row, column, self._shown(row, column))
        sheet.merges = [
            (left, top, right - 1, bottom - 1) for top, bottom, left, right in self._sheet.merged_cells
        ]
        sheet.hidden_rows = {row for row, info in self._sheet.rowinfo_map.items() if info.hidden}
        sheet.hidden_columns = {column for column, info in self._sheet.colinfo_map.items() if info.hidden}
        notes = self._sheet.cell_note_map.items()
        sheet.remarks = [(row, column, note.text or "") for (row, column), note in notes if note.text]
        return sheet

    def _shown(self, row: int, column: int) -> str:
        kind, value = self._sheet.cell_type(row, column), self._sheet.cell_value(row, column)
        if kind == xlrd.XL_CELL_TEXT:
            runs = self._sheet.rich_text_runlist_map.get((row, column))
            return self._rich(value, runs) if runs else shown_text(value, self._code(row, column))
        if kind in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
            number = int(value) if float(value).is_integer() else float(value)
            code = self._code(row, column)
            if code == "General":
                return general(number)
            return shown_number(number, code, since_1904=bool(self._book.datemode))
        if kind == xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if value else "FALSE"
        return xlrd.error_text_from_code.get(value, "") if kind == xlrd.XL_CELL_ERROR else ""

    def _code(self, row: int, column: int) -> str:
        index = self._sheet.cell_xf_index(row, column)
        if not 0 <= index < len(self._book.xf_list):
            return "General"
        known = self._book.format_map.get(self._book.xf_list[index].format_key)
        return (known.format_str if known is not None else None) or "General"

    def _rich(self, text: str, runs: list[tuple[int, int]]) -> str:
        """Text in several fonts, raised and struck out parts marked."""
        starts = [(0, None), *runs]
        ends = [start for start, _ in starts[1:]] + [len(text)]
        return joined_runs(
            (self._shape(font), text[start:end]) for (start, font), end in zip(starts, ends, strict=True)
        )

    def _shape(self, index: int | None) -> str:
        if index is None or index >= len(self._book.font_list):
            return ""
        font = self._book.font_list[index]
        return {1: "sup", 2: "sub"}.get(font.escapement, "strike" if font.struck_out else "")
