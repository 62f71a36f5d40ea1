"""What all spreadsheets have in common: cells by place, merged and hidden ones, notes; how they become text.

One rule for what is hidden: hidden rows, columns and sheets are left out, and a note says how many.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.bounds import spend
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.tables import merged, sheet_blocks
from knowledge_base.notes import Note
from knowledge_base.values import Block

_MOST_MERGED_CELLS = 100_000
_MOST_CELLS = 3_000_000
_MOST_HEADING = 200

Merge = tuple[int, int, int, int]  # first column, first row, last column, last row; from 0


@dataclass(slots=True)
class Sheet:
    """A sheet while it is read; rows and columns are counted from 0."""

    name: str
    cells: dict[int, dict[int, str]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    remarks: list[tuple[int, int, str]] = field(default_factory=list)  # row, column, text of a cell's note
    boxes: list[str] = field(default_factory=list)  # texts that lie on the sheet
    uncomputed: int = 0

    def put(self, row: int, column: int, text: str) -> None:
        """Note the text of a cell."""
        if text:
            self.cells.setdefault(row, {})[column] = text

    def put_formula(self, row: int, column: int, formula: str) -> None:
        """Note a formula that has no value: it is shown as what it is, so that nobody takes it for 0."""
        self.uncomputed += 1
        self.put(row, column, f"={formula.lstrip('=')[:200]} (not computed)" if formula else "(not computed)")

    def blocks(self, page: int) -> Iterator[Block]:
        """The sheet's name and below it its tables, the notes of its cells and its text boxes."""
        self._spread()
        found = False
        for block in self._below_name(page):
            if not found:
                yield Block(on_one_line(self.name)[:_MOST_HEADING] or str(page), "heading", 1, page)
            found = True
            yield block

    def hidden(self) -> int:
        """How many hidden rows and columns hold something."""
        columns = {column for cells in self.cells.values() for column in cells}
        return len(self.hidden_rows & self.cells.keys()) + len(self.hidden_columns & columns)

    def _below_name(self, page: int) -> Iterator[Block]:
        yield from sheet_blocks(self._grid(), page)
        for row, column, text in sorted(self.remarks):
            if row not in self.hidden_rows and column not in self.hidden_columns:
                yield Block(self._remark(row, column, on_one_line(text)), page=page)
        yield from (Block(text, page=page) for text in self.boxes if text.strip())

    def _remark(self, row: int, column: int, text: str) -> str:
        """A note with the row's name and the cell's text, as it stands apart from both."""
        cells = self.cells.get(row, {})
        named = cells.get(min(cells), "") if cells else ""
        about = ", ".join(dict.fromkeys(on_one_line(part) for part in (named, cells.get(column, "")) if part))
        place = f"{column_name(column)}{row + 1}" + (f" ({about})" if about else "")
        return f"批注 {place}：{text}" if has_chinese(text + about) else f"Note on {place}: {text}"

    def _spread(self) -> None:
        """Write the text of each merged cell to all its places."""
        for left, top, right, bottom in self.merges:
            text = self.cells.get(top, {}).get(left, "")
            last = min(bottom, max(self.cells, default=0))
            if not text or (last - top + 1) * (right - left + 1) > _MOST_MERGED_CELLS:
                continue
            spend()
            for row in range(top, last + 1):
                for column in range(left, right + 1):
                    if (row, column) != (top, left):
                        self.cells.setdefault(row, {})[column] = merged(text)

    def _grid(self) -> Iterator[list[str]]:
        """Visible rows; a run of empty rows or columns is one, however far apart the cells are."""
        rows = [row for row in sorted(self.cells) if row not in self.hidden_rows]
        used = {column for row in rows for column in self.cells[row]} - self.hidden_columns
        columns = _with_gaps(sorted(used), self.hidden_columns)
        for row in _with_gaps(rows, self.hidden_rows):
            cells = self.cells[row] if row is not None else {}
            yield [cells.get(column, "") if column is not None else "" for column in columns]


def _with_gaps(places: list[int], hidden: set[int]) -> list[int | None]:
    """Places with None where some between them are empty, unless those are hidden."""
    spaced: list[int | None] = []
    for place in places:
        last = spaced[-1] if spaced else None
        if last is not None and any(
            between not in hidden for between in range(last + 1, min(place, last + 50))
        ):
            spaced.append(None)
        spaced.append(place)
    return spaced


def book_blocks(sheets: Iterable[tuple[Sheet | None, bool]], notes: list[Note]) -> Iterator[Block]:
    """The blocks of all sheets, each with whether it is hidden; None is one that could not be read."""
    hidden = uncomputed = 0
    try:
        for page, (sheet, is_hidden) in enumerate(sheets, start=1):
            if is_hidden:
                hidden += 1
            elif sheet is not None:
                hidden += sheet.hidden()
                uncomputed += sheet.uncomputed
                yield from sheet.blocks(page)
    finally:
        if hidden:
            notes.append(Note("hidden_left_out", count=hidden))
        if uncomputed:
            notes.append(Note("formulas_uncomputed", count=uncomputed))


def column_name(column: int) -> str:
    """A, B, … Z, AA, as spreadsheets name the column counted from 0."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def place(reference: str) -> tuple[int, int]:
    """Row and column, from 0, of a reference such as `$B$7`; ValueError if it is none."""
    letters = reference.replace("$", "").rstrip("0123456789").upper()
    digits = reference.replace("$", "")[len(letters) :]
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError(reference)
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(digits) - 1, column - 1


class CellCounter:
    """Stops a workbook of more cells than memory holds."""

    def __init__(self) -> None:
        self._left = _MOST_CELLS

    def count(self, cells: int) -> None:
        """Count cells that were read; BoundReachedError when there are too many."""
        self._left -= cells
        spend(0 if self._left >= 0 else 1 << 62)
