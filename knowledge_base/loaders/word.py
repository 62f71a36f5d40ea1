"""DOCX and its kin: headings, paragraphs, lists, tables and notes in the order of the document."""

from collections.abc import Iterator
from itertools import takewhile
from posixpath import basename

from lxml import etree

from knowledge_base.loaders.bounds import BoundReachedError, collected
from knowledge_base.loaders.drawing import graphic_blocks
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.numbering import Numbering
from knowledge_base.loaders.package import Element, Package, qn
from knowledge_base.loaders.tables import merged, table_blocks
from knowledge_base.loaders.titles import own_title
from knowledge_base.loaders.word_text import (
    Annotations,
    Styles,
    boxes,
    heading_level,
    is_placeholder,
    paragraph_text,
    value,
)
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_PARAGRAPH, _TABLE, _CHUNK = qn("w:p"), qn("w:tbl"), qn("w:altChunk")
_CONTAINERS = frozenset(
    map(qn, ("w:sdt", "w:sdtContent", "w:ins", "w:moveTo", "w:customXml", "w:smartTag", "mc:Choice"))
)
_WIDEST_SPAN = 100
_MOST_ELEMENTS = 1_000_000


def load_word(data: bytes) -> LoadedFile:
    """Read a DOCX, DOCM, DOTX or DOTM; LoadError if it is damaged, protected or a zip bomb.

    Tracked changes are read as if accepted: insertions are text and deletions are not. Footnotes, endnotes
    and comments follow the paragraph they belong to; page headers and footers are left out.
    """
    notes: list[Note] = []
    package = Package(data, notes)
    reader = _Reader(package)
    loaded = collected("", reader.document(), notes)
    title = reader.title or own_title(package.title())
    return LoadedFile(title, loaded.blocks, loaded.notes)


class _Reader:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._part = package.main
        self._styles = Styles(self._related("styles"))
        self._numbering = Numbering(self._related("numbering"))
        self._annotations = Annotations(package, self._part)
        self.title = ""  # text of a paragraph in the style "Title"

    def _related(self, kind: str) -> Element | None:
        names = self._package.related(self._part, kind)
        return self._package.xml(names[0]) if names else None

    def document(self) -> Iterator[Block]:
        """All blocks of the body, which is parsed as far as they are taken."""
        for element in _children_of_body(self._package, self._part):
            yield from self._blocks_of(element)

    def _blocks(self, container: Element) -> Iterator[Block]:
        """Paragraphs and tables directly in `container`, whatever wraps them."""
        for element in container:
            yield from self._blocks_of(element)

    def _blocks_of(self, element: Element) -> Iterator[Block]:
        if element.tag == _PARAGRAPH:
            yield from self._paragraph(element)
        elif element.tag == _TABLE:
            yield from self._table(element)
        elif element.tag == _CHUNK:
            yield from self._chunk(element)
        elif element.tag == qn("mc:AlternateContent"):
            yield from self._blocks(next(iter(element), element))
        elif element.tag in _CONTAINERS and not is_placeholder(element):
            yield from self._blocks(element)

    def _paragraph(self, element: Element) -> Iterator[Block]:
        styles = self._styles.of(element)
        text = paragraph_text(element, self._annotations)
        if text:
            level = heading_level(element, styles)
            mark = self._numbering.mark(element, styles)
            if level:
                yield Block(on_one_line(mark + text), "heading", level)
                if not self.title and self._styles.name_of(element) == "title":
                    self.title = on_one_line(text)
            else:
                yield Block(mark + text)
        yield from self._belonging(element)

    def _belonging(self, element: Element) -> Iterator[Block]:
        """Text boxes, charts, SmartArt, notes and comments of a paragraph or table."""
        for box in boxes(element):
            yield from self._blocks(box)
        yield from graphic_blocks(element, self._package, self._part)
        yield from (Block(text) for text in self._annotations.taken())

    def _table(self, element: Element) -> Iterator[Block]:
        """Rows of a table, then the tables within its cells; one of a single column only frames its text."""
        rows = [row for row in _inside(element, qn("w:tr")) if not _is_deleted(row)]
        cells = [list(_inside(row, qn("w:tc"))) for row in rows]
        if all(len(row) <= 1 for row in cells):
            for row in cells:
                for cell in row:
                    yield from self._blocks(cell)
            return
        headers = len(list(takewhile(_repeats_as_header, rows)))
        grid: list[list[str]] = []
        for row, filled in zip(rows, cells, strict=True):
            grid.append(self._grid_row(row, filled, grid[-1] if grid else []))
        yield from table_blocks(grid, headers if 0 < headers < len(rows) else None)
        for row in cells:
            for cell in row:
                for table in _inside(cell, _TABLE):
                    yield from self._table(table)
                for paragraph in _inside(cell, _PARAGRAPH):
                    yield from self._belonging(paragraph)

    def _grid_row(self, row: Element, cells: list[Element], above: list[str]) -> list[str]:
        """Texts of a row; merged cells repeat their text in all their places."""
        texts = [""] * _number(row, "w:trPr/w:gridBefore", 0)
        for cell in cells:
            merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
            continues = merge is not None and merge.get(qn("w:val"), "continue") == "continue"
            if continues and len(texts) < len(above):
                text = merged(above[len(texts)])
            else:
                text = self._cell_text(cell)
            width = _number(cell, "w:tcPr/w:gridSpan", 1)
            texts += [text, *[merged(text)] * (min(width, _WIDEST_SPAN) - 1)]
        return texts

    def _cell_text(self, cell: Element) -> str:
        lines = []
        for paragraph in _inside(cell, _PARAGRAPH):
            if text := paragraph_text(paragraph, self._annotations):
                lines.append(self._numbering.mark(paragraph, self._styles.of(paragraph)) + text)
        return "\n".join(lines)

    def _chunk(self, element: Element) -> Iterator[Block]:
        """Another document that the file holds as a whole and Word shows in this place."""
        from knowledge_base.loaders.registry import parse, suffix_of  # knows this module

        relation = self._package.relations(self._part).get(str(element.get(qn("r:id"), "")))
        if relation is None or relation.target not in self._package:
            self._package.notes.append(Note("part_damaged", name="altChunk"))
            return
        try:
            loaded = parse(self._package.read(relation.target), suffix_of(relation.target))
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the document around it is read
            self._package.notes.append(Note("part_damaged", name=basename(relation.target)))
            return
        self._package.notes += loaded.notes
        yield from loaded.blocks


def _children_of_body(package: Package, part: str) -> Iterator[Element]:
    """The elements of a document's body one after the other, without the whole tree in memory."""
    with package.stream(part) as file:
        parsed = etree.iterparse(
            file, events=("start", "end"), recover=True, huge_tree=True, resolve_entities=False,
            no_network=True, load_dtd=False,
        )  # fmt: skip
        depth = body = elements = 0
        for event, element in parsed:
            if event == "start":
                depth += 1
                elements += 1
                body = depth if element.tag == qn("w:body") else body
                if elements > _MOST_ELEMENTS:  # of one table, which would fill the memory
                    yield next(element.iterancestors(qn("w:tbl")), element)
                    raise BoundReachedError("text_cut")
                continue
            depth -= 1
            if body and depth == body:
                elements = 0
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
        if len(parsed.error_log):
            package.notes.append(Note("part_damaged", name=basename(part)))


def _inside(container: Element, tag: str) -> Iterator[Element]:
    """Children of this tag, also those that content controls and insertions wrap."""
    for element in container:
        if element.tag == tag:
            yield element
        elif element.tag in _CONTAINERS and not is_placeholder(element):
            yield from _inside(element, tag)
        elif element.tag == qn("mc:AlternateContent") and len(element):
            yield from _inside(element[0], tag)


def _is_deleted(row: Element) -> bool:
    return row.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None


def _repeats_as_header(row: Element) -> bool:
    found = row.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}")
    return found is not None and found.get(qn("w:val"), "1") not in ("0", "false", "off")


def _number(element: Element, path: str, default: int) -> int:
    text = value(element, path)
    return min(int(text), _WIDEST_SPAN) if text.isdigit() else default
