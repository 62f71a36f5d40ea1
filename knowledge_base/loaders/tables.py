"""Tables: each row becomes one block that names its columns, so that it can be read by itself."""

import re
from collections.abc import Iterable, Sequence

from knowledge_base.loaders.lines import has_cjk, on_one_line
from knowledge_base.values import Block

Grid = Sequence[Sequence[str]]

# What values look like and column names do not: amounts, rates, dates, times. A year may be a name.
_VALUE = re.compile(
    r"[-+~≈<>≤≥]?\s*(?:[¥$€£￥]|RMB|CNY|USD|EUR|HKD)?\s*[-+]?\d[\d,.:/-]*\s*(?:[%％‰元]|万元|亿元|yuan|USD|CNY)?"
)
_YEAR = re.compile(r"(?:19|20)\d\d(?:\s*年(?!\s*\d).*|\s+(?!yuan|USD|CNY)[A-Za-z].*)?")
_NUMBER = re.compile(r"\d[\d,.:/-]*")
_PAIR = 2  # columns of a table of names and values
_MOST_HEADER_ROWS = 3


def table_blocks(grid: Grid, header_rows: int | None = None, page: int | None = None) -> list[Block]:
    """One block of kind "row" per row: `Card: Platinum; Annual fee: 680`, in Chinese with ： and ；.

    Args:
        grid: cells by row; a merged cell repeats its text in all its places.
        header_rows: how many rows at the top name the columns; None to judge by their content.
        page: page, slide or sheet of the table.

    Empty cells and rows are left out. A row that is one cell across the table becomes plain text.
    """
    rows = _clean(grid)
    if not rows:
        return []
    count = guessed_header_rows(rows) if header_rows is None else header_rows
    names = _names(rows[:count], len(rows[0]))
    wide = has_cjk("".join(names) or "".join(rows[0]))
    body = rows[count:]
    if not body:
        return [_row(_distinct(row), wide, page) for row in rows]
    if not count and len(rows[0]) == _PAIR:
        return [
            _row([_named(row[0], row[1], wide)] if all(row) else _distinct(row), wide, page) for row in rows
        ]
    blocks = []
    for row in body:
        if _is_note(row):
            blocks.append(Block(row[0], page=page))
        else:
            cells = [_named(name, cell, wide) for name, cell in zip(names, row, strict=True) if cell]
            blocks.append(_row(cells, wide, page))
    return blocks


def sheet_blocks(grid: Grid, page: int | None = None) -> list[Block]:
    """A table as spreadsheets hold it: lines of text may stand above it, and empty rows divide tables."""
    blocks: list[Block] = []
    for part in _parts(grid):
        rows = list(part)
        while rows and (len(rows) == 1 or len(_distinct(rows[1])) > 1) and len(_distinct(rows[0])) == 1:
            blocks.append(Block("".join(_distinct(rows.pop(0))), page=page))
        if rows and all(len(_distinct(row)) == 1 for row in rows):
            blocks += [Block("".join(_distinct(row)), page=page) for row in rows]
        else:
            blocks += table_blocks(rows, page=page)
    return blocks


def guessed_header_rows(rows: Grid) -> int:
    """How many rows at the top hold names only: none if the first holds a value.

    `3 months` is a name above rates, and a value above `6 months` or in a table of names and values. A first
    row that repeats itself (merged cells) goes on in the next, as long as that holds names only.
    """
    if len(rows) < 2 or any(looks_like_value(cell) for cell in rows[0]):  # noqa: PLR2004 - header and body
        return 0
    counted = [
        column for column, cell in enumerate(rows[0]) if cell[:1].isdigit() and not _YEAR.fullmatch(cell)
    ]
    if len(rows[0]) == _PAIR and counted:
        return 0
    if any(_shape(rows[0][column]) == _shape(row[column]) for column in counted for row in rows[1:]):
        return 0
    count = 1
    while count < min(_MOST_HEADER_ROWS, len(rows) - 1) and _is_open(rows[count - 1], rows[count]):
        count += 1
    return count


def looks_like_value(cell: str) -> bool:
    """Whether a cell holds an amount, rate or date rather than a name."""
    return bool(_VALUE.fullmatch(cell)) and not _YEAR.fullmatch(cell)


def _shape(cell: str) -> str:
    return _NUMBER.sub("0", cell)


def _is_open(row: Sequence[str], following: Sequence[str]) -> bool:
    """Whether merged names of `row` are told apart by names in the row below."""
    repeats = any(left == right != "" for left, right in zip(row, row[1:], strict=False))
    return repeats and not any(looks_like_value(cell) for cell in following) and len(set(following)) > 1


def _clean(grid: Grid) -> list[list[str]]:
    """Cells on one line, all rows equally long, without empty rows and columns."""
    rows = [[on_one_line(cell) for cell in row] for row in grid]
    rows = [row for row in rows if any(row)]
    width = max((len(row) for row in rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    used = [column for column in range(width) if any(row[column] for row in rows)]
    return [[row[column] for column in used] for row in rows]


def _names(header: Grid, width: int) -> list[str]:
    columns = zip(*header, strict=True) if header else [()] * width
    return [" / ".join(_distinct(cells)).rstrip(":：") for cells in columns]


def _distinct(cells: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(cell for cell in cells if cell))


def _named(name: str, cell: str, wide: bool) -> str:
    name = name.rstrip(":：")
    return f"{name}{'：' if wide else ': '}{cell}" if name and name != cell else cell


def _is_note(row: Sequence[str]) -> bool:
    """Whether a row is one text across the table: a group's name, or a remark below."""
    return len(row) > 1 and bool(row[0]) and (len(set(row)) == 1 or not any(row[1:]))


def _row(cells: Sequence[str], wide: bool, page: int | None) -> Block:
    return Block(("；" if wide else "; ").join(cells), "row", page=page)


def _parts(grid: Grid) -> list[list[Sequence[str]]]:
    parts: list[list[Sequence[str]]] = [[]]
    for row in grid:
        if any(cell.strip() for cell in row):
            parts[-1].append(row)
        elif parts[-1]:
            parts.append([])
    return parts
