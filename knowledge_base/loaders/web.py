"""HTML: the main content's headings, paragraphs, lists and tables; what frames it is left out."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.tables import table_blocks
from knowledge_base.values import Block, LoadedFile

_NEVER_TEXT = [
    "script", "style", "noscript", "template", "svg", "nav", "iframe", "object", "canvas", "button", "select",
    "input", "textarea", "datalist", "math annotation", "[hidden]", "[aria-hidden=true]",
    "[role=navigation]", "[role=banner]", "[role=contentinfo]", '[style*="display:none"]',
    '[style*="display: none"]',
]  # fmt: skip
_BLOCK_ELEMENTS = """
address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure
footer form h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu ol p pre search section summary table tbody
td tfoot th thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_ELEMENTS.split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BREAK = "\u2028"  # stands for <br> until the white space around it has been collapsed
_DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding=[\"']([\w.:-]+)", re.IGNORECASE
)
_EMPTY_ELEMENT = re.compile(r"<(?!(?:br|hr|img|input|link|meta|col|area|base|wbr)\b)(\w+)((?:\s[^<>]*)?)/>")
_WIDEST_SPAN = 200


def load_html(data: bytes) -> LoadedFile:
    """Read a page; LoadError if it is not text."""
    found = _DECLARED.search(data[:4096])
    declared = next((name for name in found.groups() if name), b"").decode("ascii") if found else ""
    return parse_html(decode(data, declared))


def load_xhtml(data: bytes) -> LoadedFile:
    """Read a page written as XML; LoadError if it is not text."""
    return parse_xhtml(decode(data, "utf-8"))


def parse_xhtml(text: str) -> LoadedFile:
    """As `parse_html`; elements closed at once (`<title/>`) are written out, as HTML knows none of them."""
    return parse_html(_EMPTY_ELEMENT.sub(r"<\1\2></\1>", text))


def parse_html(html: str, page: int | None = None) -> LoadedFile:
    """The title and the blocks of a page; `page` is the chapter of a book."""
    tree = LexborHTMLParser(html)
    root = _main_content(tree)
    blocks = tuple(_Reader(page).blocks(root)) if root is not None else ()
    return LoadedFile(_title(tree, blocks), blocks)


def _title(tree: LexborHTMLParser, blocks: tuple[Block, ...]) -> str:
    """The page's title; where its only first-level heading is a part of that, the heading: no site name."""
    node = tree.css_first("head > title")
    title = on_one_line(node.text()) if node is not None else ""
    highest = [on_one_line(block.text) for block in blocks if block.kind == "heading" and block.level == 1]
    return highest[0] if len(highest) == 1 and highest[0] in title else title


def _main_content(tree: LexborHTMLParser) -> LexborNode | None:
    for selector in _NEVER_TEXT:
        for node in tree.css(selector):
            node.decompose()
    for selector in ("main", "[role=main]"):
        main = tree.css_first(selector)
        if main is not None and main.text().strip():
            return main
    for node in tree.css("body > header, body > footer, body > div > header, body > div > footer"):
        node.decompose()
    return tree.body


class _Reader:
    """Collects text until a block begins or ends."""

    def __init__(self, page: int | None) -> None:
        self._page = page
        self._parts: list[str] = []
        self._mark = ""  # of the list item that has just begun
        self._numbers: list[int | None] = []  # of the lists that are open; None has bullets
        self._heading = 0
        self._preformatted = False

    def blocks(self, root: LexborNode) -> Iterator[Block]:
        tables = _data_tables(root)
        for node, entering in _walk(root, tables):
            tag = node.tag
            if tag == "-text" and entering:
                self._parts.append(node.text_content or "")
            elif tag == "br" and entering:
                self._parts.append(_BREAK)
            elif node.mem_id in tables:
                yield from self._flushed()
                yield from _table(node, self._page)
            elif tag in _BLOCKS:
                yield from self._flushed()
                self._turn(node, entering)
        yield from self._flushed()

    def _turn(self, node: LexborNode, entering: bool) -> None:
        """Note what begins or ends with this block."""
        tag = node.tag or ""
        if tag in ("ul", "menu", "ol"):
            if entering:
                self._numbers.append(_number(node) if tag == "ol" else None)
            else:
                self._numbers.pop()
        elif tag == "li":
            self._mark = self._next_mark() if entering else ""
        elif tag in _HEADINGS:
            self._heading = _HEADINGS[tag] if entering else 0
        elif tag == "pre":
            self._preformatted = entering

    def _next_mark(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _flushed(self) -> Iterator[Block]:
        if not self._parts:
            return
        text = "".join(self._parts)
        self._parts.clear()
        if self._preformatted:
            text = text.replace(_BREAK, "\n").strip("\n").rstrip()
        else:
            text = "\n".join(line for part in text.split(_BREAK) if (line := on_one_line(part)))
        if not text.strip():
            return
        if self._heading:
            yield Block(on_one_line(text), "heading", self._heading, self._page)
        else:
            yield Block(self._mark + text, page=self._page)
            self._mark = ""


def _walk(root: LexborNode, leaves: frozenset[int]) -> Iterator[tuple[LexborNode, bool]]:
    """Nodes below `root` on entering and on leaving, in order; `leaves` are not entered, nor left.

    Without recursion: pages may be nested deeper than the interpreter allows.
    """
    node = root.child
    above: list[LexborNode] = []
    while node is not None:
        yield node, True
        child = None if node.mem_id in leaves else node.child
        if child is not None:
            above.append(node)
            node = child
            continue
        if node.mem_id not in leaves:
            yield node, False
        while node.next is None and above:
            node = above.pop()
            yield node, False
        node = node.next


def _data_tables(root: LexborNode) -> frozenset[int]:
    """Tables that hold data; one that holds another table or a single column only arranges the page."""
    tables = [node for node in root.css("table") if len(node.css("table")) == 1]
    return frozenset(
        table.mem_id for table in tables if any(len(row.css("td, th")) > 1 for row in table.css("tr"))
    )


def _table(node: LexborNode, page: int | None) -> list[Block]:
    caption = node.css_first("caption")
    blocks = [Block(on_one_line(caption.text()), page=page)] if caption is not None else []
    rows = [(row, row.css("td, th")) for row in node.css("tr")]
    rows = [(row, cells) for row, cells in rows if cells]
    names = [all(cell.tag == "th" for cell in cells) or _parent_tag(row) == "thead" for row, cells in rows]
    header = names.index(False) if False in names else len(names)
    if not header and not node.css("th"):
        return blocks + table_blocks(_grid([cells for _, cells in rows]), page=page)
    return blocks + table_blocks(_grid([cells for _, cells in rows]), header, page)


def _parent_tag(node: LexborNode) -> str | None:
    return node.parent.tag if node.parent is not None else None


def _grid(rows: list[list[LexborNode]]) -> list[list[str]]:
    """Cells by row and column; merged cells repeat their text in all their places."""
    filled: dict[tuple[int, int], str] = {}
    for number, cells in enumerate(rows):
        column = 0
        for cell in cells:
            while (number, column) in filled:
                column += 1
            height = min(_span(cell, "rowspan"), len(rows) - number)
            width = _span(cell, "colspan")
            text = on_one_line(cell.text(separator=" "))
            filled.update(
                ((number + down, column + right), text) for down in range(height) for right in range(width)
            )
            column += width
    width = 1 + max((column for _, column in filled), default=0)
    return [[filled.get((row, column), "") for column in range(width)] for row in range(len(rows))]


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(max(int(value), 1), _WIDEST_SPAN) if value.isascii() and value.isdigit() else 1


def _number(node: LexborNode) -> int:
    value = node.attributes.get("start") or ""
    return int(value) if value.isascii() and value.isdigit() else 1
