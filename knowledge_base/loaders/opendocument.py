"""ODT, ODS and ODP: headings, lists, tables, notes, sheets and slides. (OASIS OpenDocument 1.3.)"""

from collections.abc import Iterator
from zipfile import ZipFile

from lxml import etree

from knowledge_base.characters import has_chinese
from knowledge_base.errors import LoadError
from knowledge_base.loaders.archive import open_archive
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.formula import joined_runs, linear_formula, superscript
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.numbering import FORMATS
from knowledge_base.loaders.ole import protected
from knowledge_base.loaders.package import Element, safe_xml
from knowledge_base.loaders.tables import merged, table_blocks
from knowledge_base.loaders.titles import own_title
from knowledge_base.loaders.workbook import CellCounter, Sheet, book_blocks
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_PREFIX = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
_TEXT, _TABLE, _OFFICE, _DRAW, _STYLE = (
    _PREFIX % name for name in ("text", "table", "office", "drawing", "style")
)
_PRESENTATION = _PREFIX % "presentation"
_LINK = "{http://www.w3.org/1999/xlink}href"
_CLASS = f"{_PRESENTATION}class"
_FRAME = ("header", "footer", "date-time", "page-number")
_PASSED_OVER = frozenset(
    f"{_TEXT}{name}"
    for name in (
        "tracked-changes",
        "sequence-decls",
        "variable-decls",
        "user-field-decls",
        "table-of-content",
    )
) | {f"{_OFFICE}forms", f"{_OFFICE}settings", f"{_TABLE}shapes"}
_SHAPES = frozenset(
    f"{_DRAW}{name}" for name in ("frame", "custom-shape", "rect", "ellipse", "line", "g", "text-box", "a")
)
_WIDEST, _DEEPEST = 200, 40
_LISTS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_CHINESE = ("一, 二, 三", "壹", "甲")


def load_opendocument(data: bytes) -> LoadedFile:
    """Read an OpenDocument file; LoadError if it is damaged, protected or a zip bomb.

    Deletions are left out, and hidden rows, columns and sheets; notes follow their paragraph.
    """
    notes: list[Note] = []
    with open_archive(data) as archive:
        names = set(archive.namelist())
        if "content.xml" not in names:
            raise LoadError(
                "The file is not an OpenDocument file: its content is missing.", "Obtain an intact copy."
            )
        if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise protected()
        content = _parsed(archive, "content.xml", notes)
        styles = _parsed(archive, "styles.xml", notes) if "styles.xml" in names else None
        title = _title(archive) if "meta.xml" in names else ""
        reader = _Reader(archive, content, styles, notes)
        return collected(title, reader.blocks(), notes)


def _parsed(archive: ZipFile, name: str, notes: list[Note]) -> Element:
    data = archive.read(name)
    try:
        return safe_xml(data)
    except etree.XMLSyntaxError:
        notes.append(Note("part_damaged", name=name))
        return safe_xml(data, recover=True)


def _title(archive: ZipFile) -> str:
    try:
        root = safe_xml(archive.read("meta.xml"))
    except etree.XMLSyntaxError:
        return ""
    return own_title(root.findtext(".//{http://purl.org/dc/elements/1.1/}title"))


class _Reader:
    def __init__(self, archive: ZipFile, content: Element, styles: Element | None, notes: list[Note]) -> None:
        self._archive = archive
        self._content = content
        self._notes = notes
        self._shapes, self._lists = _text_styles([root for root in (styles, content) if root is not None])
        self._hidden_styles = {
            style.get(f"{_STYLE}name")
            for style in content.iter(f"{_STYLE}style")
            for properties in style.iterchildren(f"{_STYLE}table-properties")
            if properties.get(f"{_TABLE}display") == "false"
        }
        self._titles = {"Title"} | {
            style.get(f"{_STYLE}name")
            for style in content.iter(f"{_STYLE}style")
            if style.get(f"{_STYLE}parent-style-name") == "Title"
        }
        self._waiting: list[Block] = []
        self._count = 0
        self._page: int | None = None

    def blocks(self) -> Iterator[Block]:
        """The blocks of a text, of sheets or of slides."""
        body = self._content.find(f"{_OFFICE}body")
        for kind in body if body is not None else ():
            name = etree.QName(kind).localname
            if name == "spreadsheet":
                yield from book_blocks(self._sheets(kind), self._notes)
            elif name in ("presentation", "drawing"):
                yield from self._slides(kind)
            else:
                yield from self._flow(kind)

    def _flow(self, container: Element, depth: int = 0) -> Iterator[Block]:
        if depth == _DEEPEST:
            self._notes.append(Note("nesting_cut"))
            return
        for element in container:
            tag = element.tag
            if tag in (f"{_TEXT}p", f"{_TEXT}h"):
                yield from self._paragraph(element)
            elif tag == f"{_TEXT}list":
                yield from self._list(element, None, 1)
            elif tag == f"{_TABLE}table":
                yield from self._table(element)
            elif tag in _SHAPES:
                yield from self._shape(element, depth)
            elif isinstance(tag, str) and tag not in _PASSED_OVER:
                yield from self._flow(element, depth + 1)

    def _paragraph(self, element: Element, mark: str = "") -> Iterator[Block]:
        text = self._text(element)
        if text and element.tag == f"{_TEXT}h":
            level = element.get(f"{_TEXT}outline-level", "1")
            yield Block(on_one_line(text), "heading", int(level) if level.isdigit() else 1, self._page)
        elif text and element.get(f"{_TEXT}style-name") in self._titles:
            yield Block(on_one_line(text), "heading", 1, self._page)
        elif text:
            yield Block(mark + text, page=self._page)
        for shape in _shapes_in(element):
            yield from self._shape(shape, 0)
        waiting, self._waiting = self._waiting, []
        yield from waiting

    def _list(self, element: Element, style: str | None, level: int) -> Iterator[Block]:
        style = element.get(f"{_TEXT}style-name") or style
        number = 0
        if level == _DEEPEST:
            self._notes.append(Note("nesting_cut"))
            return
        for item in element:
            if item.tag not in (f"{_TEXT}list-item", f"{_TEXT}list-header"):
                continue
            start = item.get(f"{_TEXT}start-value", "")
            first = item.tag == f"{_TEXT}list-item"
            number = int(start) if start.isdigit() else number + first
            for child in item:
                if child.tag == f"{_TEXT}list":
                    yield from self._list(child, style, level + 1)
                elif child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                    yield from self._paragraph(child, self._mark(style, level, number) if first else "")
                    first = False

    def _mark(self, style: str | None, level: int, number: int) -> str:
        shape, before, after = self._lists.get((style or "", level), ("", "", ""))
        if not shape:
            return "- "
        return f"{before}{FORMATS.get(shape, str)(number)}{after} "

    def _table(self, element: Element) -> Iterator[Block]:
        """Rows of a table in a text; merged cells repeat their text in all their places."""
        rows = list(_rows(element))
        headers = sum(1 for row in rows if row.getparent().tag == f"{_TABLE}table-header-rows")
        grid: list[list[str]] = []
        for row in rows:
            texts: list[str] = []
            for cell in row:
                if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                    continue
                above = grid[-1] if grid else []
                if cell.tag.endswith("}covered-table-cell"):
                    spans = texts and self._spanning > 0
                    self._spanning -= 1 if spans else 0
                    text = (
                        merged(texts[-1])
                        if spans
                        else merged(above[len(texts)])
                        if len(texts) < len(above)
                        else ""
                    )
                else:
                    self._spanning = _number(cell, f"{_TABLE}number-columns-spanned") - 1
                    text = "\n".join(filter(None, map(self._text, cell.iter(f"{_TEXT}p", f"{_TEXT}h"))))
                texts += [text] * _number(cell, f"{_TABLE}number-columns-repeated")
            grid.append(texts)
        if max((len(row) for row in grid), default=0) == 1:
            yield from (Block(row[0], page=self._page) for row in grid if row[0])
        else:
            yield from table_blocks(grid, headers if 0 < headers < len(grid) else None, self._page)
        waiting, self._waiting = self._waiting, []
        yield from waiting

    _spanning = 0  # cells to the right that the last cell covers

    def _shape(self, element: Element, depth: int) -> Iterator[Block]:
        """What is in a frame: text, a table, a chart or a formula."""
        if element.get(_CLASS) in _FRAME:
            return
        for chart in element.iter(f"{_DRAW}object"):
            yield from self._object(str(chart.get(_LINK, "")))
        yield from self._flow(element, depth + 1)

    def _object(self, link: str) -> Iterator[Block]:
        """A chart's data, or a formula."""
        name = f"{link.removeprefix('./')}/content.xml"
        if name not in self._archive.namelist():
            return
        try:
            root = safe_xml(self._archive.read(name))
        except etree.XMLSyntaxError:
            self._notes.append(Note("part_damaged", name=link))
            return
        if etree.QName(root).localname == "math":
            yield Block(linear_formula(root), page=self._page)
            return
        for title in root.iter(f"{_PREFIX % 'chart'}title"):
            if text := " ".join(self._text(paragraph) for paragraph in title.iter(f"{_TEXT}p")):
                yield Block(text, page=self._page)
        for table in root.iter(f"{_TABLE}table"):
            yield from self._table(table)

    def _slides(self, body: Element) -> Iterator[Block]:
        for number, slide in enumerate(body.iterchildren(f"{_DRAW}page"), start=1):
            self._page = number
            shapes = [shape for shape in slide if shape.tag in _SHAPES and shape.get(_CLASS) not in _FRAME]
            title = next((shape for shape in shapes if shape.get(_CLASS) == "title"), None)
            if title is not None:
                text = " ".join(filter(None, (self._text(line) for line in title.iter(f"{_TEXT}p"))))
                if text:
                    yield Block(on_one_line(text), "heading", 1, number)
            for shape in sorted((shape for shape in shapes if shape is not title), key=_place):
                yield from self._shape(shape, 0)
            for remarks in slide.iterchildren(f"{_PRESENTATION}notes"):
                yield from self._flow(remarks)

    def _sheets(self, body: Element) -> Iterator[tuple[Sheet | None, bool]]:
        counter = CellCounter()
        for table in body.iterchildren(f"{_TABLE}table"):
            if table.get(f"{_TABLE}style-name") in self._hidden_styles:
                yield None, True
                continue
            sheet = Sheet(table.get(f"{_TABLE}name", ""))
            sheet.hidden_columns = _hidden_columns(table)
            number = 0
            for row in _rows(table):
                repeated = _number(row, f"{_TABLE}number-rows-repeated")
                counter.count(len(row))
                self._sheet_row(row, number, sheet)
                if row.get(f"{_TABLE}visibility", "visible") != "visible":
                    sheet.hidden_rows.update(range(number, number + min(repeated, 100_000)))
                cells = sheet.cells.get(number)
                for again in range(1, min(repeated, _WIDEST) if cells else 0):
                    sheet.cells[number + again] = dict(cells or {})
                number += repeated
            yield sheet, False

    def _sheet_row(self, row: Element, number: int, sheet: Sheet) -> None:
        column = 0
        for cell in row:
            if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                continue
            repeated = _number(cell, f"{_TABLE}number-columns-repeated", 16_384)
            text = "\n".join(filter(None, (self._text(line) for line in cell.iterchildren(f"{_TEXT}p"))))
            if not text and cell.get(f"{_TABLE}formula") and cell.get(f"{_OFFICE}value-type") is None:
                sheet.put_formula(number, column, str(cell.get(f"{_TABLE}formula")).partition(":=")[2])
            for place in range(column, column + min(repeated, _WIDEST) if text else column):
                sheet.put(number, place, text)
            for remark in cell.iterchildren(f"{_OFFICE}annotation"):
                lines = (self._text(line) for line in remark.iter(f"{_TEXT}p"))
                sheet.remarks.append((number, column, " ".join(filter(None, lines))))
            wide, high = (
                _number(cell, f"{_TABLE}number-{name}-spanned", 16_384) for name in ("columns", "rows")
            )
            if wide > 1 or high > 1:
                sheet.merges.append((column, number, column + wide - 1, number + high - 1))
            column += repeated

    def _text(self, element: Element) -> str:
        """The text of a paragraph on its lines, without what is anchored in it."""
        lines = (on_one_line(line) for line in joined_runs(self._runs(element, "")).split("\n"))
        return "\n".join(line for line in lines if line)

    def _runs(self, element: Element, shape: str) -> Iterator[tuple[str, str]]:
        if element.text:
            yield shape, element.text.replace("\n", " ")
        for child in element:
            name = etree.QName(child).localname if isinstance(child.tag, str) else ""
            if name in ("s", "tab", "line-break"):
                yield "", {"s": " ", "tab": "\t", "line-break": "\n"}[name]
            elif name == "note":
                yield "", self._note(child)
            elif name == "annotation":
                self._annotation(child)
            elif name == "span":
                yield from self._runs(child, self._shapes.get(child.get(f"{_TEXT}style-name"), shape))
            elif (
                name
                and name not in ("ruby-text", "annotation-end")
                and child.tag not in _SHAPES | _PASSED_OVER
            ):
                yield from self._runs(child, shape)
            if child.tail:
                yield shape, child.tail.replace("\n", " ")

    def _note(self, element: Element) -> str:
        """The mark of a footnote or endnote, which follows its paragraph."""
        self._count += 1
        mark = superscript(str(self._count))
        body = element.find(f"{_TEXT}note-body")
        lines = (self._text(line) for line in body.iter(f"{_TEXT}p")) if body is not None else ()
        self._waiting.append(Block(f"{mark} {' '.join(filter(None, lines))}", page=self._page))
        return mark

    def _annotation(self, element: Element) -> None:
        author = element.findtext("{http://purl.org/dc/elements/1.1/}creator") or ""
        text = " ".join(filter(None, (self._text(line) for line in element.iter(f"{_TEXT}p"))))
        named = f"批注（{author}）：" if has_chinese(text) else f"Comment ({author}): "
        if text:
            self._waiting.append(Block(named.replace("（）", "").replace(" ()", "") + text, page=self._page))


def _text_styles(
    roots: list[Element],
) -> tuple[dict[str | None, str], dict[tuple[str, int], tuple[str, str, str]]]:
    """Which styles raise, lower or strike out text, and the numbers of list styles by level."""
    shapes: dict[str | None, str] = {}
    lists: dict[tuple[str, int], tuple[str, str, str]] = {}
    for root in roots:
        for properties in root.iter(f"{_STYLE}text-properties"):
            parent = properties.getparent()
            place = properties.get(f"{_STYLE}text-position", "").split(" ")[0]
            line = properties.get(f"{_STYLE}text-line-through-style", "none")
            lowered = place == "sub" or place.startswith("-")
            raised = place == "super" or place.rstrip("%").isdigit() and place.rstrip("%") != "0"
            shape = "sub" if lowered else "sup" if raised else "strike" if line != "none" else ""
            if shape and parent is not None:
                shapes[parent.get(f"{_STYLE}name")] = shape
        for level in root.iter(f"{_TEXT}list-level-style-number"):
            parent = level.getparent()
            style = parent.get(f"{_STYLE}name", "") if parent is not None else ""
            code = level.get(f"{_STYLE}num-format", "1")
            shape = _LISTS.get(
                code, "chineseCounting" if code.startswith(_CHINESE) else "decimal" if code else ""
            )
            before, after = level.get(f"{_STYLE}num-prefix", ""), level.get(f"{_STYLE}num-suffix", "")
            lists[style, int(level.get(f"{_TEXT}level", "1"))] = (shape, before, after)
    return shapes, lists


def _rows(table: Element) -> Iterator[Element]:
    """The rows of a table, those within groups too."""
    for child in table:
        if child.tag == f"{_TABLE}table-row":
            yield child
        elif child.tag in (f"{_TABLE}table-rows", f"{_TABLE}table-header-rows", f"{_TABLE}table-row-group"):
            yield from _rows(child)


def _hidden_columns(table: Element) -> set[int]:
    hidden: set[int] = set()
    column = 0
    for element in table.iter(f"{_TABLE}table-column"):
        repeated = _number(element, f"{_TABLE}number-columns-repeated", 16_384)
        if element.get(f"{_TABLE}visibility", "visible") != "visible":
            hidden.update(range(column, column + repeated))
        column += repeated
    return hidden


def _number(element: Element, name: str, most: int = _WIDEST) -> int:
    value = element.get(name, "1")
    return max(min(int(value), 1_048_576 if "rows" in name else most), 1) if value.isdigit() else 1


def _shapes_in(paragraph: Element) -> Iterator[Element]:
    """Shapes anchored in a paragraph, the outermost ones."""
    for child in paragraph:
        if child.tag in _SHAPES:
            yield child
        elif isinstance(child.tag, str) and not child.tag.endswith("}note"):
            yield from _shapes_in(child)


def _place(shape: Element) -> tuple[float, float]:
    """Top and left of a shape, in whatever unit the file uses throughout."""
    svg = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
    return _length(shape.get(f"{svg}y", "0")), _length(shape.get(f"{svg}x", "0"))


def _length(text: str) -> float:
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz%")
    try:
        return float(digits)
    except ValueError:
        return 0.0
