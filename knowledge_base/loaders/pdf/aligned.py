"""Tables without lines: rows whose pieces stand below each other, with gaps that no row crosses."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from knowledge_base.loaders.lines import joined, starts_item
from knowledge_base.loaders.pdf.layout import Item, TextTable
from knowledge_base.loaders.pdf.rows import WIDE_GAP, Piece, Row, around
from knowledge_base.loaders.tables import looks_like_value

Span = tuple[float, float]

_GUTTER = 3.0  # points between two columns
_FEWEST_ROWS = 3
_COLUMNS = 2
_FAR = 2.6  # times the usual distance of a table's rows: so far below, something else begins
_VALUES = 0.25  # of the cells beside the first: fewer values, and gaps may be those of justified text
_UNEVEN = 0.6  # of the letters' size: how far the edges of a column are apart …
_MOST = 0.7  # … in most of its rows
_BULLET = re.compile(r"[-–•*·●○◦▪■□☐☑➢✓√]|\(?[\da-zA-Z]{1,3}[.)、]|[①-⑳]")
Cells = list[list[Piece]]  # by column


def with_aligned_tables(items: Sequence[Item]) -> Iterator[Item]:
    """The items of a region, with rows in columns that follow each other as one table."""
    index = 0
    while index < len(items):
        run = _run(items, index)
        table = _table(run)
        if table:
            yield table
            index += len(run)
        else:
            yield items[index]
            index += 1


def _run(items: Sequence[Item], first: int) -> list[Row]:
    """The rows from `first` on that may be those of one table."""
    rows: list[Row] = []
    spans: list[Span] = []
    distances: list[float] = []
    for item in items[first:]:
        if not isinstance(item, Row) or item.is_filled:
            break  # what is filled in belongs to the name beside it
        if not rows:
            if len(item.pieces) < _COLUMNS:
                break
            rows, spans = [item], [(piece.box[0], piece.box[2]) for piece in item.pieces]
            continue
        distance = rows[-1].box[1] - item.box[1]
        if distances and distance > _FAR * median(distances):
            break
        merged = _merged(spans, item)
        if merged is None:
            break
        rows.append(item)
        spans = merged
        distances.append(distance)
    while rows and len(rows[-1].pieces) < _COLUMNS and not _is_inner(rows[-1], spans):
        rows.pop()
    return rows


def _merged(spans: Sequence[Span], row: Row) -> list[Span] | None:
    """Columns after one more row, None if it stands across them."""
    pieces = [(piece.box[0], piece.box[2]) for piece in row.pieces]
    merged: list[Span] = []
    for left, right in sorted([*spans, *pieces]):
        if merged and left <= merged[-1][1] + _GUTTER:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    if len(merged) < max(_COLUMNS, len(spans) - len(spans) // 3):
        return None
    columns = [_column(merged, piece) for piece in row.pieces]
    return merged if len(set(columns)) == len(columns) else None


def _column(spans: Sequence[Span], piece: Piece) -> int:
    """The column that a piece stands in, or is nearest to."""
    left, right = piece.box[0], piece.box[2]
    return min(range(len(spans)), key=lambda index: max(spans[index][0] - right, left - spans[index][1]))


def _is_inner(row: Row, spans: Sequence[Span]) -> bool:
    """Whether a lone piece stands in a column that is not the first."""
    return _column(spans, row.pieces[0]) > 0


def _table(rows: Sequence[Row]) -> TextTable | None:
    full = [row for row in rows if len(row.pieces) >= _COLUMNS]
    if len(full) < _FEWEST_ROWS - (len(rows[0].pieces) > _COLUMNS if rows else 0):
        return None
    spans: list[Span] = []
    for row in full:
        spans = _merged(spans or [(p.box[0], p.box[2]) for p in row.pieces], row) or spans
    if not _is_table(full, spans):
        return None
    grid = tuple(tuple(joined([piece.text for piece in cell]) for cell in row) for row in _cells(rows, spans))
    return TextTable(grid, tuple(spans), around(row.box for row in rows))


def _is_table(rows: Sequence[Row], spans: Sequence[Span]) -> bool:
    """Whether gaps are those between columns: wide ones, or beside values; and no list's marks."""
    first = [row.pieces[0].text for row in rows]
    if len(spans) == _COLUMNS and sum(bool(_BULLET.fullmatch(text)) for text in first) > len(first) / 2:
        return False
    if len(spans) == _COLUMNS and sum(starts_item(row.text) for row in rows) > len(rows) / 2:
        return False
    others = [piece.text for row in rows for piece in row.pieces[1:]]
    values = sum(looks_like_value(text) for text in others) / len(others)
    gaps = [right.box[0] - left.box[2] for row in rows for left, right in pairwise(row.pieces)]
    if values < _VALUES and (median(gaps) <= WIDE_GAP * rows[0].size or not _lines_up(rows, spans)):
        return False
    filled = sum(len(row.pieces) for row in rows) / (len(rows) * len(spans))
    return filled > 0.5  # noqa: PLR2004 - half: sparser ones are scattered text


def _lines_up(rows: Sequence[Row], spans: Sequence[Span]) -> bool:
    """Whether the pieces of each column but the first share an edge or a middle, as gaps in text do not."""
    columns: list[list[Span]] = [[] for _ in spans]
    for row in rows:
        for piece in row.pieces:
            columns[_column(spans, piece)].append((piece.box[0], piece.box[2]))
    near = _UNEVEN * rows[0].size
    for column in filter(None, columns[1:]):
        places = (
            [left for left, _ in column],
            [right for _, right in column],
            [(a + b) / 2 for a, b in column],
        )
        if not any(sum(abs(at - median(each)) <= near for at in each) > _MOST * len(each) for each in places):
            return False
    return True


def _cells(rows: Sequence[Row], spans: Sequence[Span]) -> list[Cells]:
    """Pieces by row and column; a row that goes on with the cells above it is joined to these."""
    cells: list[Cells] = []
    previous: Row | None = None
    for row in rows:
        placed: Cells = [[] for _ in spans]
        for piece in row.pieces:
            placed[_column(spans, piece)].append(piece)
        if previous is not None and _goes_on(placed, cells[-1], row, previous):
            for above, below in zip(cells[-1], placed, strict=True):
                above.extend(below)
        else:
            cells.append(placed)
        previous = row
    return cells


def _goes_on(placed: Cells, above: Cells, row: Row, previous: Row) -> bool:
    """Whether cells are further lines of those above: close, none in the first column, no values."""
    if placed[0] or previous.box[1] - row.box[1] > 1.5 * row.size:
        return False
    texts = [piece.text for cell in placed for piece in cell]
    return all(above[i] for i, cell in enumerate(placed) if cell) and not any(map(looks_like_value, texts))
