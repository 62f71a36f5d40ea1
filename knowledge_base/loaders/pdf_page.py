"""One PDF page: its lines of text with their places and sizes, and its ruled tables."""

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge_base.loaders.lines import joined
from knowledge_base.loaders.pdf_columns import Piece
from knowledge_base.loaders.pdf_tables import Box, RuledTable, find_tables

_MOST_PATHS = 4_000  # more belong to a drawing, and reading them takes long
_FRAME_POINTS = 5  # of a path that is a rectangle
_NO_LETTER = frozenset(["\ufffd", "\ufffe", "\x00"])
_SPACE = re.compile(r"\s+")
_WIDE_GAP = 1.2  # times the letters' size: wider than a space, even of a justified line
_SOFT_HYPHEN = "\x02"  # pdfium's sign for a hyphen that ends a line; no line end follows it
_LINE = re.compile(rf"[^\r\n{_SOFT_HYPHEN}]*(?:\r\n?|\n|{_SOFT_HYPHEN}|$)")


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text: its size and box in points, and its pieces where wide gaps divide it, else one."""

    text: str
    size: float
    box: Box
    pieces: tuple[Piece, ...] = ()

    @property
    def top(self) -> float:
        """Upper edge, in points from the page's bottom."""
        return self.box[3]


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table's cells by row, merged ones repeated, with the edges of its columns."""

    grid: tuple[tuple[str, ...], ...]
    edges: tuple[float, ...]
    top: float


@dataclass(frozen=True, slots=True)
class PageText:
    """What is on a page, in reading order; `unmapped` is the share of characters that name no letter."""

    items: tuple[TextLine | TextTable, ...]
    width: float
    height: float
    unmapped: float
    has_images: bool


def read_page(page: pypdfium2.PdfPage) -> PageText:
    """Lines and tables of a page. Raises PdfiumError if it is damaged."""
    width, height = page.get_size()
    text_page = page.get_textpage()
    try:
        characters = _characters(text_page)
        tables = find_tables(_path_boxes(page))
        items = _in_order(
            list(_lines(text_page, characters)), [(table, _grid(text_page, table)) for table in tables]
        )
        lost = sum(character in _NO_LETTER or "\ue000" <= character <= "\uf8ff" for character in characters)
    finally:
        text_page.close()
    has_images = (
        next(iter(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=2)), None) is not None
    )
    return PageText(tuple(items), width, height, lost / max(len(characters), 1), has_images)


def _characters(text_page: pypdfium2.PdfTextPage) -> str:
    """The page's characters, one per index of pdfium's own count."""
    return "".join(chr(pdfium.FPDFText_GetUnicode(text_page, i)) for i in range(text_page.count_chars()))


def _lines(text_page: pypdfium2.PdfTextPage, characters: str) -> Iterator[TextLine]:
    start = 0
    for part in _LINE.findall(characters):
        text = part.strip()
        if text:
            first = start + part.index(text[0])
            yield _line(text_page, text, first)
        start += len(part)


def _line(text_page: pypdfium2.PdfTextPage, text: str, first: int) -> TextLine:
    left, bottom, _, top = _box(text_page, first)
    right = _box(text_page, first + len(text) - 1)[2]
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(text_page, first, ctypes.byref(matrix))
    scale = (matrix.b**2 + matrix.d**2) ** 0.5 or 1.0
    size = round(pdfium.FPDFText_GetFontSize(text_page, first) * scale * 2) / 2
    pieces = tuple(_pieces(text_page, text, first, size))
    return TextLine(_whole(text), size, (left, bottom, right, top), pieces)


def _pieces(text_page: pypdfium2.PdfTextPage, text: str, first: int, size: float) -> Iterator[Piece]:
    """Parts of a line between gaps that are much wider than a space."""
    start = 0
    left = _box(text_page, first)[0]
    for space in _SPACE.finditer(text):
        right, following = (
            _box(text_page, first + space.start() - 1)[2],
            _box(text_page, first + space.end())[0],
        )
        if following - right > _WIDE_GAP * size:
            yield Piece(_whole(text[start : space.start()]), left, right)
            start, left = space.end(), following
    yield Piece(_whole(text[start:]), left, _box(text_page, first + len(text) - 1)[2])


def _whole(text: str) -> str:
    """Characters beyond the first plane come in two halves; what has no letter is left out."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = "".join(character for character in text if character not in _NO_LETTER)
    return text.replace("\u00a0", " ").replace(_SOFT_HYPHEN, "-")


def _box(text_page: pypdfium2.PdfTextPage, index: int) -> Box:
    box = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(text_page, index, ctypes.byref(box))
    return (box.left, box.bottom, box.right, box.top)


def _path_boxes(page: pypdfium2.PdfPage) -> list[Box]:
    """Boxes of the page's lines and rectangles; a path of many lines gives one box for each."""
    boxes: list[Box] = []
    for number, path in enumerate(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1)):
        if number > _MOST_PATHS:
            return []
        if pdfium.FPDFPath_CountSegments(path) <= _FRAME_POINTS:
            boxes.append(path.get_bounds())
        else:
            boxes += _segment_boxes(path)
    return boxes


def _segment_boxes(path: pypdfium2.PdfObject) -> Iterator[Box]:
    count = pdfium.FPDFPath_CountSegments(path)
    if count > _MOST_PATHS:
        return
    matrix = path.get_matrix()
    x, y = ctypes.c_float(), ctypes.c_float()
    previous: tuple[float, float] | None = None
    for index in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(path, index)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        point = matrix.on_point(x.value, y.value)
        if pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_LINETO and previous is not None:
            yield _bar(previous, point)
        previous = point


def _bar(start: tuple[float, float], end: tuple[float, float]) -> Box:
    (left, right), (bottom, top) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return (left, bottom, right, top)


def _grid(text_page: pypdfium2.PdfTextPage, table: RuledTable) -> TextTable:
    rows = [[""] * (len(table.edges) - 1) for _ in range(table.rows)]
    for cell in table.cells:
        left, bottom, right, top = cell.box
        text = text_page.get_text_bounded(left, bottom, right, top).replace(_SOFT_HYPHEN, "-\n")
        text = joined(_whole(text).splitlines())
        for row in range(*cell.rows):
            for column in range(*cell.columns):
                rows[row][column] = text
    return TextTable(tuple(map(tuple, rows)), table.edges, table.box[3])


def _in_order(
    lines: list[TextLine], tables: list[tuple[RuledTable, TextTable]]
) -> Iterator[TextLine | TextTable]:
    """Lines in the order of the file, and each table in place of its first line."""
    told: set[int] = set()
    for line in lines:
        holder = next(
            (index for index, (table, _) in enumerate(tables) if _is_inside(line.box, table.box)), None
        )
        if holder is None:
            yield line
        elif holder not in told:
            told.add(holder)
            yield tables[holder][1]


def _is_inside(inner: Box, outer: Box) -> bool:
    middle = (inner[1] + inner[3]) / 2
    return outer[1] <= middle <= outer[3] and outer[0] - 2 <= inner[0] <= outer[2]
