"""DOCX: headings, paragraphs, lists and tables in the order of the document."""

import io
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import docx
from docx.oxml.ns import qn

from knowledge_base.loaders.archive import open_archive
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.numbering import Numbering
from knowledge_base.loaders.tables import table_blocks
from knowledge_base.values import Block, LoadedFile

# Of python-docx and the lxml below it, which have no types worth their name.
Document = Any
Element = Any
Style = Any

_PARAGRAPH, _TABLE, _CONTENT = qn("w:p"), qn("w:tbl"), qn("w:sdtContent")
_TEXT, _TAB = qn("w:t"), qn("w:tab")
_BREAKS = frozenset([qn("w:br"), qn("w:cr")])
_HYPHEN = qn("w:noBreakHyphen")
_BOX = qn("w:txbxContent")
# Text that was moved away, the second copy of a text box, and settings.
_PASSED_OVER = frozenset([
    qn("w:moveFrom"), qn("w:pPr"), qn("w:rPr"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
])  # fmt: skip
_CONTAINERS = frozenset([qn("w:sdt"), qn("w:ins"), qn("w:customXml"), _CONTENT])
_DEEPEST_HEADING = 9


def load_word(data: bytes) -> LoadedFile:
    """Read a document; LoadError if it is damaged, protected or a zip bomb.

    Tracked insertions are text and deletions are not; page headers and footers are left out.
    """
    open_archive(data).close()
    document = docx.Document(io.BytesIO(data))
    reader = _Reader(document)
    blocks = tuple(reader.blocks(document.element.body))
    return LoadedFile(reader.title or on_one_line(document.core_properties.title or ""), blocks)


class _Reader:
    def __init__(self, document: Document) -> None:
        self._styles = {style.style_id: style for style in document.styles}
        self._numbering = Numbering(document)
        self.title = ""  # text of a paragraph in the style "Title"

    def blocks(self, container: Element) -> Iterator[Block]:
        """Paragraphs and tables directly in `container`, whatever wraps them."""
        for element in container:
            if element.tag == _PARAGRAPH:
                yield from self._paragraph(element)
            elif element.tag == _TABLE:
                yield from self._table(element)
            elif element.tag in _CONTAINERS:
                yield from self.blocks(element)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        text = _lines(_text(element))
        style = self._styles.get(_value(element, "w:pPr/w:pStyle"))
        if text:
            level = _heading_level(element, style)
            mark = self._numbering.mark(element, style)
            if level:
                yield Block(on_one_line(mark + text), "heading", level)
                if style is not None and style.name == "Title" and not self.title:
                    self.title = on_one_line(text)
            else:
                yield Block(mark + text)
        for box in _boxes(element):
            yield from self.blocks(box)

    def _table(self, element: Element) -> Iterator[Block]:
        """Rows of a table, then the tables within its cells; one of a single column only frames its text."""
        rows = list(element.iterchildren(qn("w:tr")))
        cells = [list(_cells(row)) for row in rows]
        if all(len(row) <= 1 for row in cells):
            for row in cells:
                for cell in row:
                    yield from self.blocks(cell)
            return
        headers = len(list(takewhile(_repeats_as_header, rows)))
        yield from table_blocks(_grid(cells), headers or None)
        for row in cells:
            for cell in row:
                for table in cell.iterchildren(_TABLE):
                    yield from self._table(table)


def _heading_level(element: Element, style: Style) -> int:
    """Level of a heading from its own outline level, or from its style or one that this is based on."""
    own = _value(element, "w:pPr/w:outlineLvl")
    if own.isdigit():
        return int(own) + 1 if int(own) < _DEEPEST_HEADING else 0
    while style is not None:
        name = (style.name or "").lower()
        if name == "title":
            return 1
        if name.startswith("heading ") and name[8:].isdigit():
            return int(name[8:])
        outline = _value(style.element, "w:pPr/w:outlineLvl")
        if outline.isdigit():
            return int(outline) + 1 if int(outline) < _DEEPEST_HEADING else 0
        style = getattr(style, "base_style", None)
    return 0


def _text(element: Element) -> str:
    """Text of a paragraph: of runs, links, fields and insertions, without its text boxes."""
    parts = []
    for child in element:
        if child.tag == _TEXT:
            parts.append(child.text or "")
        elif child.tag in _BREAKS:
            parts.append("\n")
        elif child.tag == _TAB:
            parts.append("\t")
        elif child.tag == _HYPHEN:
            parts.append("-")
        elif child.tag not in _PASSED_OVER and child.tag != _BOX:
            parts.append(_text(child))
    return "".join(parts)


def _boxes(element: Element) -> Iterator[Element]:
    """Text boxes anchored in a paragraph, without their copies for old programs."""
    for child in element:
        if child.tag == _BOX:
            yield child
        elif child.tag not in _PASSED_OVER:
            yield from _boxes(child)


def _lines(text: str) -> str:
    return "\n".join(line for part in text.split("\n") if (line := on_one_line(part)))


def _cells(row: Element) -> Iterator[Element]:
    for element in row:
        if element.tag == qn("w:tc"):
            yield element
        elif element.tag in _CONTAINERS:
            yield from _cells(element)


def _grid(rows: list[list[Element]]) -> list[list[str]]:
    """Cells by row; merged cells repeat their text in all their places."""
    grid: list[list[str]] = []
    for cells in rows:
        texts: list[str] = []
        for cell in cells:
            width = _value(cell, "w:tcPr/w:gridSpan")
            merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            continues = merge is not None and merge.get(qn("w:val"), "continue") == "continue"
            above = grid[-1] if grid else []
            if continues and len(texts) < len(above):
                text = above[len(texts)]
            else:
                text = "\n".join(_text(paragraph) for paragraph in cell.iterchildren(_PARAGRAPH))
            texts += [text] * (min(int(width), 100) if width.isdigit() else 1)
        grid.append(texts)
    return grid


def _repeats_as_header(row: Element) -> bool:
    return row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None


def _value(element: Element, path: str) -> str:
    found = element.find("/".join(qn(step) for step in path.split("/")))
    return str(found.get(qn("w:val"), "")) if found is not None else ""
