"""One PDF page as a reader sees it: rows of text and tables in reading order."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pypdfium2

from knowledge_base.loaders.lines import joined
from knowledge_base.loaders.pdf.drawings import read_drawings
from knowledge_base.loaders.pdf.fields import filled_words
from knowledge_base.loaders.pdf.layout import Item, TextTable, in_reading_order
from knowledge_base.loaders.pdf.rows import Piece, Row, rows_of
from knowledge_base.loaders.pdf.ruled import Cell, RuledTable, find_tables
from knowledge_base.loaders.pdf.words import UNREADABLE, Box, PageCharacters, Slanted, View, Word
from knowledge_base.loaders.tables import looks_like_value, merged

_MOST_REPEATED = 3  # times the text: more is repeated where lines frame parts of a page
_LONG = 1_000  # characters
_NEAR = 2.0  # points
_CLOSE = 1.2  # times the letters' size: a table's header stands so near
_FEWEST_ROWS = 3  # in one cell, to be taken for rows
_LONGEST_CELL = 12  # rows of a cell; longer ones are parts of a page in a frame


@dataclass(frozen=True, slots=True)
class Region:
    """Part of a page that is read before the next, its items in the space of the view.

    `is_whole` if no other has text beside it.
    """

    view: View
    items: tuple[Item, ...]
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page says, in reading order.

    `unreadable` counts signs that name no letter, `is_nonsense` says that most do not and the rest is none
    either; `pictures` is the share of the page under pictures.
    """

    regions: tuple[Region, ...]
    slanted: tuple[Slanted, ...]
    letters: int
    unreadable: int
    pictures: float
    is_nonsense: bool = False


def read_page(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, with_words: bool = False) -> PageText:
    """Read a page. Raises PdfiumError if it is damaged.

    `with_words` keeps the words of each piece with their places.
    """
    visible = visible_part(page)
    text_page = page.get_textpage()
    try:
        characters = PageCharacters(text_page, visible)
        drawings = read_drawings(page, visible)
        filled = filled_words(document, page, visible)
        regions: list[Region] = []
        words: list[Word] = []
        for number, view in enumerate(characters.views):
            tables = find_tables(view.turned_boxes(drawings.rules)) if number == 0 else []
            found = characters.words(view, [(table.box, table.edges) for table in tables])
            if number == 0:
                found += [word.turned(view) for word in filled]
            words += found
            regions += regions_of(view, found, tables, with_words)
        slanted = characters.slanted()
        is_nonsense = characters.is_nonsense(words)
    finally:
        text_page.close()
    letters = sum(len(word.text) for word in words)
    unreadable = sum(word.text.count(UNREADABLE) for word in words)
    return PageText(tuple(regions), slanted, letters, unreadable, drawings.pictures, is_nonsense)


def visible_part(page: pypdfium2.PdfPage) -> Box:
    """The part of the page's space that is shown: its crop box within its media box."""
    media, crop = page.get_mediabox(), page.get_cropbox()
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    return (left, bottom, right, top) if left < right and bottom < top else media


def regions_of(
    view: View, words: Sequence[Word], tables: Sequence[RuledTable], with_words: bool
) -> list[Region]:
    """Words and tables of a page in the order in which its parts are read."""
    loose = list(words)
    items: list[Item] = []
    for table in tables:
        cells, outside = _by_cell(table, loose, with_words)
        cuts = _rows_between_lines(table, cells)
        if cuts:
            table = table.divided(cuts)  # noqa: PLW2901 - the same table with all its rows
            cells, outside = _by_cell(table, loose, with_words)
        found = _text_table(table, cells)
        if found:
            items.append(found)
            loose = outside
    items += rows_of(loose, with_words)
    items.sort(
        key=lambda item: -item.box[3] if isinstance(item, TextTable) else -(item.box[1] + item.box[3]) / 2
    )
    regions = in_reading_order(list(_with_headers(items)))
    return [Region(view, tuple(region), len(regions) == 1) for region in regions]


def _by_cell(
    table: RuledTable, words: Sequence[Word], with_words: bool
) -> tuple[dict[Cell, list[Row]], list[Word]]:
    """The rows of text in each cell that has some, and the words outside the table."""
    cells: dict[Cell, list[Word]] = {}
    outside = []
    for word in words:
        cell = table.cell_at((word.left + word.right) / 2, (word.bottom + word.top) / 2)
        if cell:
            cells.setdefault(cell, []).append(word)
        else:
            outside.append(word)
    return {cell: rows_of(own, with_words) for cell, own in cells.items()}, outside


def _rows_between_lines(table: RuledTable, cells: Mapping[Cell, Sequence[Row]]) -> dict[int, list[float]]:
    """Where rows stand below each other that no line divides: each value of a column has others beside it."""
    cuts: dict[int, list[float]] = {}
    for row in range(len(table.levels) - 1):
        band = [cell for cell in table.cells if cell.rows[0] <= row < cell.rows[1]]
        texts = [cells.get(cell, ()) for cell in band]
        columns = [lines for lines in texts if len(lines) >= _FEWEST_ROWS]
        values = next(
            (lines for lines in columns if all(looks_like_value(line.text) for line in lines)), None
        )
        if values is None or len(columns) < 2 or any(cell.rows[1] - cell.rows[0] > 1 for cell in band):  # noqa: PLR2004
            continue
        middles = [(line.box[1] + line.box[3]) / 2 for line in values]
        others = [(line.box[1] + line.box[3]) / 2 for lines in texts for line in lines]
        if all(min(abs(other - middle) for middle in middles) < values[0].size / 2 for other in others):
            cuts[row] = [(above + below) / 2 for above, below in pairwise(middles)]
    return cuts


def _text_table(table: RuledTable, cells: Mapping[Cell, Sequence[Row]]) -> TextTable | None:
    """The table with its text, None if it frames a text and does not divide it."""
    if len(cells) < 2:  # noqa: PLR2004 - one text has nothing to be divided from
        return None
    grid = [[""] * (len(table.edges) - 1) for _ in table.levels[1:]]
    read: list[Word] = []
    own = repeated = 0
    for cell in table.cells:
        lines = cells.get(cell, ())
        if len(lines) > _LONGEST_CELL and len(cells) <= _LONGEST_CELL:
            return None
        read += (word for line in lines for piece in line.pieces for word in piece.words)
        for columns, text in _texts_of(cell, lines, table.edges):
            own += len(text)
            for row in range(*cell.rows):
                for column in columns:
                    grid[row][column] = merged(text)
                    repeated += len(text)
            grid[cell.rows[0]][columns[0]] = text
    if repeated > _MOST_REPEATED * own + _LONG:
        return None
    spans = tuple(zip(table.edges, table.edges[1:], strict=False))
    return TextTable(tuple(map(tuple, grid)), spans, table.box, ruled=True, words=tuple(read))


def _texts_of(cell: Cell, lines: Sequence[Row], edges: Sequence[float]) -> Iterator[tuple[range, str]]:
    """The cell's text with its columns; several where names stand apart in a row without lines between."""
    columns = range(*cell.columns)
    if len(columns) == 1:
        yield columns, joined([line.text for line in lines])
        return
    pieces = [(_column_of(piece, edges), piece.text) for line in lines for piece in line.pieces]
    own = {column: [text for at, text in pieces if at == column] for column in columns}
    if None in dict(pieces) or sum(map(bool, own.values())) < max(2, len(columns) - 1):  # noqa: PLR2004
        yield columns, joined([line.text for line in lines])
        return
    for column, texts in own.items():
        yield range(column, column + 1), joined(texts)


def _column_of(piece: Piece, edges: Sequence[float]) -> int | None:
    """The column between two edges that a piece stands in, None if it crosses one."""
    left, right = (bisect_right(edges, at) - 1 for at in (piece.box[0] + _NEAR, piece.box[2] - _NEAR))
    return left if left == right else None


def _with_headers(items: Sequence[Item]) -> Iterator[Item]:
    """The items, a row just above a table whose pieces stand in all of its columns as its first row."""
    above: Item | None = None
    for item in items:
        if isinstance(above, Row) and isinstance(item, TextTable) and _is_header(above, item):
            words = tuple(word for piece in above.pieces for word in piece.words)
            grid = (tuple(piece.text for piece in above.pieces), *item.grid)
            above, item = None, replace(item, grid=grid, words=(*words, *item.words))  # noqa: PLW2901 - one table
        if above is not None:
            yield above
        above = item
    if above is not None:
        yield above


def _is_header(row: Row, table: TextTable) -> bool:
    edges = [span[0] for span in table.spans] + [table.spans[-1][1]]
    columns = [_column_of(piece, edges) for piece in row.pieces]
    distance = row.box[1] - table.box[3]
    return distance < _CLOSE * row.size and columns == list(range(len(table.spans)))
