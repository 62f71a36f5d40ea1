"""PDF: headings by their size, lines joined to paragraphs, ruled tables as rows, page by page."""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import pypdfium2

from knowledge_base.errors import LoadError
from knowledge_base.loaders.lines import joined, on_one_line, starts_item
from knowledge_base.loaders.pdf_columns import aligned_rows
from knowledge_base.loaders.pdf_fonts import use_own_font
from knowledge_base.loaders.pdf_page import PageText, TextLine, TextTable, read_page
from knowledge_base.loaders.tables import guessed_header_rows, table_blocks
from knowledge_base.values import Block, LoadedFile

_PDFIUM = threading.Lock()  # the library must not be entered by two threads at once

_OCR = "Run OCR, e.g. `ocrmypdf FILE.pdf OUT.pdf`, and ingest the result."
_FORCED_OCR = "Run OCR, e.g. `ocrmypdf --force-ocr FILE.pdf OUT.pdf`, and ingest the result."
_MOST_UNMAPPED = 0.3
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD

# Titles that programs write by themselves.
_NO_TITLE = re.compile(
    r"(microsoft \w+ - .*|untitled.*|\(?(anonymous|unspecified)\)?|无标题.*|文档\s*\d*|幻灯片\s*\d*|\S*"
    r"\.(docx?|pptx?|xlsx?|wps|pdf|indd|tex|dvi|tmp))?",
    re.IGNORECASE,
)
_PAGE_NUMBER = re.compile(
    r"(page|seite|第)\s*\d+.{0,20}$|^\W*\d{1,4}\W*$|^\d{1,4}\s*[/／]\s*\d{1,4}$", re.IGNORECASE
)
_MARGIN = 0.09  # of a page's height, above and below, where page headers and footers stand
_DIGITS = re.compile(r"\d+")
_BULLET = re.compile(r"^[•·●○◦▪■□➢✓\uf0b7]\s*")

_HEADING = 1.12  # times the size of the text
_LONGEST_HEADING = 150
_DEEPEST_HEADING = 6
_WIDE_GAP = 1.3  # times the usual distance of lines
_SHORT_LINE = 0.85  # of the text's width: so short is only a paragraph's last line
_NEAR = 3.0  # points


def load_pdf(data: bytes) -> LoadedFile:
    """Read a PDF.

    Raises:
        LoadError: it has a password, is damaged, or is scanned and has no text; then the remedy is OCR.
    """
    with _PDFIUM:
        use_own_font()
        title, pages = _read(data)
    if not any(page.items for page in pages):
        if any(page.has_images for page in pages):
            raise LoadError("The PDF is scanned: its pages are images without text.", _OCR)
        raise LoadError("The PDF has no text.", "Remove it, or, if text can be seen in it: " + _OCR)
    if all(page.unmapped > _MOST_UNMAPPED for page in pages if page.items):
        raise LoadError("The PDF's fonts do not tell which letters they show.", _FORCED_OCR)
    return LoadedFile(title, tuple(_blocks(pages)))


def _read(data: bytes) -> tuple[str, list[PageText]]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_ERROR:
            raise LoadError("The PDF is protected by a password.", "Save it without one.") from error
        raise _damaged(str(error)) from error
    try:
        title = on_one_line(document.get_metadata_value("Title"))
        pages = []
        for number in range(len(document)):
            page = document[number]
            pages.append(read_page(page))
            page.close()
    except pypdfium2.PdfiumError as error:
        raise _damaged(str(error)) from error
    finally:
        document.close()
    if not pages:
        raise _damaged("it has no pages")
    return ("" if _NO_TITLE.fullmatch(title) else title), pages


def _damaged(reason: str) -> LoadError:
    return LoadError(f"The PDF is damaged: {reason.rstrip('.')}.", "Get a whole copy of it.")


def _blocks(pages: Sequence[PageText]) -> Iterator[Block]:
    levels = _heading_levels(pages)
    repeated = _repeated_lines(pages)
    previous: TextTable | None = None
    for number, page in enumerate(pages, start=1):
        items = list(_with_tables(list(_without_frame(page, repeated)), levels))
        gap = _usual_gap(items)
        for index, group in enumerate(_groups(items, levels, gap)):
            if isinstance(group, TextTable):
                grid = _continued(group, previous) if index == 0 else group.grid
                yield from table_blocks(grid, page=number)
                previous = TextTable(grid, group.edges, group.top)
            else:
                previous = None
                yield _block(group, levels, number)


def _block(lines: Sequence[TextLine], levels: dict[float, int], number: int) -> Block:
    text = joined([line.text for line in lines])
    level = levels.get(lines[0].size, 0)
    if level and len(text) <= _LONGEST_HEADING:
        return Block(text, "heading", level, number)
    return Block(_BULLET.sub("- ", text), page=number)


def _lines_of(pages: Iterable[PageText]) -> Iterator[TextLine]:
    return (item for page in pages for item in page.items if isinstance(item, TextLine))


def _heading_levels(pages: Sequence[PageText]) -> dict[float, int]:
    """Level by size, for the sizes that are larger than that of most text."""
    letters: Counter[float] = Counter()
    for line in _lines_of(pages):
        letters[line.size] += len(line.text)
    if not letters:
        return {}
    usual = letters.most_common(1)[0][0]
    larger = sorted((size for size in letters if size > usual * _HEADING), reverse=True)
    return {size: min(level, _DEEPEST_HEADING) for level, size in enumerate(larger, start=1)}


def _repeated_lines(pages: Sequence[PageText]) -> set[str]:
    """Texts, but for their digits, at the top or bottom of most pages."""
    if len(pages) < 2:  # noqa: PLR2004 - nothing is repeated on one page
        return set()
    counts = Counter(
        text
        for page in pages
        for text in {_key(line) for line in _lines_of([page]) if _in_margin(line, page)}
    )
    return {text for text, times in counts.items() if times > max(1, len(pages) // 2)}


def _without_frame(page: PageText, repeated: set[str]) -> Iterator[TextLine | TextTable]:
    """What is on a page but page headers, footers and page numbers, with all on the same line as these."""
    frame = [
        item.top
        for item in page.items
        if isinstance(item, TextLine)
        and _in_margin(item, page)
        and (_key(item) in repeated or _PAGE_NUMBER.search(item.text))
    ]
    for item in page.items:
        is_frame = isinstance(item, TextLine) and any(abs(item.top - top) < _NEAR for top in frame)
        if not is_frame:
            yield item


def _with_tables(
    items: Sequence[TextLine | TextTable], levels: dict[float, int]
) -> Iterator[TextLine | TextTable]:
    """The items, with lines in columns that follow each other as one table."""
    for in_columns, group in groupby(items, lambda item: _is_in_columns(item, levels)):
        lines = list(group)
        rows = (
            aligned_rows([line.pieces for line in lines if isinstance(line, TextLine)])
            if in_columns
            else None
        )
        if rows:
            yield TextTable(rows, (), lines[0].top)
        else:
            yield from lines


def _is_in_columns(item: TextLine | TextTable, levels: dict[float, int]) -> bool:
    return isinstance(item, TextLine) and len(item.pieces) > 1 and item.size not in levels


def _key(line: TextLine) -> str:
    return _DIGITS.sub("0", line.text)


def _in_margin(line: TextLine, page: PageText) -> bool:
    middle = (line.box[1] + line.box[3]) / 2
    return middle < _MARGIN * page.height or middle > (1 - _MARGIN) * page.height


def _usual_gap(items: Sequence[TextLine | TextTable]) -> float:
    """The most frequent distance of two lines, from baseline to baseline."""
    lines = [item for item in items if isinstance(item, TextLine)]
    gaps = Counter(
        round(upper.box[1] - lower.box[1])
        for upper, lower in zip(lines, lines[1:], strict=False)
        if upper.box[1] - lower.box[1] > 1 and upper.size == lower.size
    )
    return float(gaps.most_common(1)[0][0]) if gaps else 0.0


def _groups(
    items: Sequence[TextLine | TextTable], levels: dict[float, int], gap: float
) -> Iterator[TextTable | list[TextLine]]:
    """Tables, and lines that belong together: those of one paragraph or heading."""
    lines = [item for item in items if isinstance(item, TextLine)]
    right = max((line.box[2] for line in lines if line.size not in levels), default=0.0)
    group: list[TextLine] = []
    for item in items:
        if isinstance(item, TextLine) and group and _continues(group, item, gap, right):
            group.append(item)
            continue
        if group:
            yield group
        group = []
        if isinstance(item, TextTable):
            yield item
        else:
            group = [item]
    if group:
        yield group


def _continues(group: Sequence[TextLine], line: TextLine, gap: float, right: float) -> bool:
    """Whether a line goes on with the paragraph or heading of the lines before it."""
    above = group[-1]
    distance = above.box[1] - line.box[1]
    if line.size != above.size or distance > max(gap * _WIDE_GAP, line.size * 1.7):
        return False
    if abs(distance) < _NEAR:
        return True
    if distance < 0 or starts_item(line.text) or _BULLET.match(line.text):
        return False
    left = min(line.box[0] for line in group)
    if above.box[2] - left < _SHORT_LINE * (right - left):
        return False
    indent = line.box[0] - above.box[0]
    return (
        indent < line.size or len(group) == 1 and bool(_BULLET.match(above.text) or starts_item(above.text))
    )


def _continued(table: TextTable, previous: TextTable | None) -> tuple[tuple[str, ...], ...]:
    """The table's rows, under the header of the table before a page break if this one goes on with it."""
    if previous is None or not table.edges or len(previous.edges) != len(table.edges):
        return table.grid
    if any(abs(a - b) > _NEAR for a, b in zip(previous.edges, table.edges, strict=True)):
        return table.grid
    header = previous.grid[: guessed_header_rows(previous.grid)]
    return table.grid if table.grid[: len(header)] == header else (*header, *table.grid)
