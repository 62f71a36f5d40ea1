"""Grids are found among the lines of a page."""

from knowledge_base.loaders.pdf.ruled import find_tables
from knowledge_base.loaders.pdf.words import Box


def grid(xs: list[float], ys: list[float]) -> list[Box]:
    across = [(xs[0], y, xs[-1], y + 0.5) for y in ys]
    return [*across, *((x, ys[0], x + 0.5, ys[-1]) for x in xs)]


def test_a_grid_is_a_table() -> None:
    (table,) = find_tables(grid([10, 60, 110], [10, 30, 50, 70]))
    assert len(table.levels) == 4
    assert len(table.cells) == 6
    assert [round(edge) for edge in table.edges] == [10, 60, 110]


def test_grids_that_do_not_touch_are_tables_of_their_own_from_top_to_bottom() -> None:
    tables = find_tables(grid([10, 60, 110], [10, 30]) + grid([10, 60, 110], [100, 130, 160]))
    assert [len(table.levels) - 1 for table in tables] == [2, 1]


def test_cells_drawn_as_frames() -> None:
    frames: list[Box] = [(x, y, x + 50, y + 20) for x in (0, 50, 100) for y in (0, 20)]
    (table,) = find_tables(frames)
    assert (len(table.levels), len(table.cells)) == (3, 6)


def test_a_missing_line_merges_cells() -> None:
    lines = [box for box in grid([0, 50, 100], [0, 20, 40]) if box != (50, 0, 50.5, 40)]
    (table,) = find_tables([*lines, (50, 0, 50.5, 20)])
    assert sorted((cell.rows, cell.columns) for cell in table.cells) == [
        ((0, 1), (0, 2)),
        ((1, 2), (0, 1)),
        ((1, 2), (1, 2)),
    ]


def test_a_cell_is_found_by_a_point() -> None:
    (table,) = find_tables(grid([0, 50, 100], [0, 20, 40]))
    cell = table.cell_at(75, 30)
    assert cell is not None
    assert (cell.rows, cell.columns) == ((0, 1), (1, 2))
    assert table.cell_at(75, 50) is None
    assert table.cell_at(101, 30) is None


def test_rows_are_divided_at_further_levels() -> None:
    (table,) = find_tables(grid([0, 50, 100], [0, 30, 40]))
    divided = table.divided({1: [20, 10]})
    assert [round(level) for level in divided.levels] == [40, 30, 20, 10, 0]
    assert len(divided.cells) == 8
    cell = divided.cell_at(25, 15)
    assert cell is not None
    assert cell.rows == (2, 3)


def test_frames_rules_and_drawings_are_no_tables() -> None:
    assert find_tables([(0, 0, 500, 700), (50, 300, 400, 300.5)]) == []
    assert find_tables([(float(n), 0.0, n + 0.5, 9.0) for n in range(3000)]) == []
