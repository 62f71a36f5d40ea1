"""Ruled tables on a PDF page: lines that cross make a grid, a cell is what no line divides."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import neg

from knowledge_base.loaders.pdf.words import Box

_THIN = 3.0  # points: a bar so thin is a line
_NEAR = 3.0  # points: lines so near each other meet
_MOST_LINES = 2_000  # more belong to a drawing


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal or vertical line: at `at` on one axis, from `start` to `end` on the other."""

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's box and the rows and columns that it takes, their ends not included."""

    box: Box
    rows: tuple[int, int]
    columns: tuple[int, int]


@dataclass(frozen=True)
class RuledTable:
    """A table's cells, and the edges of its rows from top to bottom and of its columns from left to right."""

    levels: tuple[float, ...]
    edges: tuple[float, ...]
    cells: tuple[Cell, ...]

    @property
    def box(self) -> Box:
        """The table's outline."""
        return (self.edges[0], self.levels[-1], self.edges[-1], self.levels[0])

    def cell_at(self, x: float, y: float) -> Cell | None:
        """The cell that holds a point."""
        if not (self.edges[0] <= x < self.edges[-1] and self.levels[-1] < y <= self.levels[0]):
            return None
        return self._by_place[bisect_right(self.levels, -y, key=neg) - 1, bisect_right(self.edges, x) - 1]

    def divided(self, cuts: Mapping[int, Sequence[float]]) -> "RuledTable":
        """The table with rows divided at further levels, given by the number of the row from the top."""
        levels: list[float] = []
        starts = []
        for row, level in enumerate(self.levels):
            starts.append(len(levels))
            levels += [level, *cuts.get(row, ())]
        cells = []
        for cell in self.cells:
            first, end = starts[cell.rows[0]], starts[cell.rows[1]]
            step = 1 if cell.rows[0] in cuts else end - first
            for row in range(first, end, step):
                box = (cell.box[0], levels[row + step], cell.box[2], levels[row])
                cells.append(Cell(box, (row, row + step), cell.columns))
        return RuledTable(tuple(levels), self.edges, tuple(cells))

    @cached_property
    def _by_place(self) -> Mapping[tuple[int, int], Cell]:
        return {
            (row, column): cell
            for cell in self.cells
            for row in range(*cell.rows)
            for column in range(*cell.columns)
        }


def find_tables(boxes: Iterable[Box]) -> list[RuledTable]:
    """Tables of at least two columns among the bars and frames of a page, from top to bottom."""
    horizontal, vertical = _lines(boxes)
    if len(horizontal) + len(vertical) > _MOST_LINES:
        return []
    groups = _connected(horizontal, vertical)
    tables = (_table(across, down) for across, down in groups)
    return sorted((table for table in tables if table), key=lambda table: -table.box[3])


def _lines(boxes: Iterable[Box]) -> tuple[list[Line], list[Line]]:
    """Bars as lines, and the edges of frames."""
    horizontal, vertical = [], []
    for left, bottom, right, top in boxes:
        if top - bottom <= _THIN and right - left > _THIN:
            horizontal.append(Line((top + bottom) / 2, left, right))
        elif right - left <= _THIN and top - bottom > _THIN:
            vertical.append(Line((left + right) / 2, bottom, top))
        elif right - left > _THIN and top - bottom > _THIN:
            horizontal += [Line(bottom, left, right), Line(top, left, right)]
            vertical += [Line(left, bottom, top), Line(right, bottom, top)]
    return horizontal, vertical


def _connected(horizontal: list[Line], vertical: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Groups of lines that meet."""
    groups: list[tuple[list[Line], list[Line]]] = []
    for upright in vertical:
        met = [
            index for index, (across, _) in enumerate(groups) if any(_meet(line, upright) for line in across)
        ]
        loose = [line for line in horizontal if _meet(line, upright)]
        across = {id(line): line for index in met for line in groups[index][0]}
        across |= {id(line): line for line in loose}
        down = [line for index in met for line in groups[index][1]]
        groups = [group for index, group in enumerate(groups) if index not in met]
        groups.append((list(across.values()), [*down, upright]))
    return groups


def _meet(across: Line, upright: Line) -> bool:
    return (
        across.start - _NEAR <= upright.at <= across.end + _NEAR
        and upright.start - _NEAR <= across.at <= upright.end + _NEAR
    )


def _table(across: Sequence[Line], down: Sequence[Line]) -> RuledTable | None:
    ys = sorted(_places(line.at for line in across), reverse=True)
    xs = _places(line.at for line in down)
    rows, columns = len(ys) - 1, len(xs) - 1
    if rows < 1 or columns < 2:  # noqa: PLR2004 - one column is a frame
        return None
    cells = []
    taken: set[tuple[int, int]] = set()
    for row in range(rows):
        for column in range(columns):
            if (row, column) not in taken:
                end_row, end_column = _extent((row, column), ys, xs, (across, down))
                taken.update((r, c) for r in range(row, end_row) for c in range(column, end_column))
                box = (xs[column], ys[end_row], xs[end_column], ys[row])
                cells.append(Cell(box, (row, end_row), (column, end_column)))
    return RuledTable(tuple(ys), tuple(xs), tuple(cells))


def _extent(
    first: tuple[int, int],
    ys: Sequence[float],
    xs: Sequence[float],
    lines: tuple[Sequence[Line], Sequence[Line]],
) -> tuple[int, int]:
    """Where the cell that begins at `first` ends: at the next line to the right, and the next below."""
    row, column = first
    across, down = lines
    end_column = column + 1
    while end_column < len(xs) - 1 and not _is_ruled(down, xs[end_column], (ys[row] + ys[row + 1]) / 2):
        end_column += 1
    end_row = row + 1
    middle = (xs[column] + xs[column + 1]) / 2
    while end_row < len(ys) - 1 and not _is_ruled(across, ys[end_row], middle):
        end_row += 1
    return end_row, end_column


def _is_ruled(lines: Sequence[Line], at: float, through: float) -> bool:
    return any(abs(line.at - at) <= _NEAR and line.start - 1 <= through <= line.end + 1 for line in lines)


def _places(values: Iterable[float]) -> list[float]:
    """Distinct places in rising order; those nearer to each other than `_NEAR` are one."""
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _NEAR:
            places.append(value)
    return places
