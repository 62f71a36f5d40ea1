"""HTML: the main content's headings, paragraphs, lists and tables; what frames it is left out."""

import re
from collections.abc import Callable, Iterator

from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.formula import joined_runs, linear_formula
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.package import safe_xml
from knowledge_base.loaders.tables import merged, table_blocks
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_NEVER_TEXT = [
    "script", "style", "noscript", "template", "svg", "nav", "iframe", "object", "canvas",
    "button", "datalist",
    "math annotation", "math annotation-xml", "del", "rt", "rp", "[hidden]", "[aria-hidden=true]",
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
_MOST_GRID_CELLS = 2_000_000
_MOST_PARSED = 8_000_000  # characters of the source
_MOST_PIECES = 600_000  # tags and attributes of the source, each of which takes up to 300 bytes in the tree
_SLICE = 100_000
_DEEPEST = 1000  # twice of what browsers show; the parser's time grows with the square of the depth
_TAG = re.compile(r"<(/?)([a-zA-Z!][\w:-]*+)[^<>]*+>")
_VOID = "area base br col embed hr img input link meta param source track wbr"
_ENDED_BY_OTHERS = "a body caption colgroup dd dt head html li option p rp rt tbody td tfoot th thead tr"
_NOT_NESTED = frozenset([*_VOID.split(), *_ENDED_BY_OTHERS.split()])
# HTML opens these again in every later block if they were not closed (HTML Living Standard, 13.2.4.3), so
# that a small page could fill the memory; elements of names that it does not know stay where they are.
_FORMATTING = re.compile(r"<(/?)(b|big|code|em|font|i|s|small|strike|strong|tt|u)(?=[\s/>])", re.IGNORECASE)
_SCRIPTS = {"sup": "sup", "sub": "sub", "x-s": "strike", "x-strike": "strike"}
_CONTENT = "p, h1, h2, h3, h4, h5, h6, li, td, dd, pre, blockquote"  # what main content is made of
_ENOUGH = 20  # characters of a main element that is not just a search box or a heading
_LITTLE = 0.2  # of the page's text
_WITHOUT_TEXT = frozenset(
    ["hidden", "submit", "button", "image", "reset", "file", "password", "color", "range"]
)


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
    notes: list[Note] = []
    tree = LexborHTMLParser(_bounded(html, notes))
    root = _main_content(tree)
    loaded = collected("", _Reader(page).blocks(root) if root is not None else (), notes)
    return LoadedFile(_title(tree, loaded.blocks), loaded.blocks, loaded.notes)


def _bounded(html: str, notes: list[Note]) -> str:
    """The source as far as its tree has room in memory, without structure where that is nested too deeply."""
    pieces = end = 0
    while end < min(len(html), _MOST_PARSED) and pieces <= _MOST_PIECES:
        pieces += html.count("<", end, end + _SLICE) + html.count("=", end, end + _SLICE)
        end += _SLICE
    if end < len(html):
        notes.append(Note("text_cut", count=end))
    html = _FORMATTING.sub(r"<\1x-\2", html[:end])
    depth = 0
    raw = ""  # the element that is being passed over: tags within scripts are none
    for tag in _TAG.finditer(html):
        ends, name = tag[1], tag[2].lower()
        if raw or name in _NOT_NESTED:
            raw = "" if ends and name == raw else raw
        elif ends:
            depth = max(depth - 1, 0)
        elif name in ("script", "style"):
            raw = name
        elif tag[0][-2] != "/" and tag[0][1] != "!":
            depth += 1
        if depth > _DEEPEST:
            notes.append(Note("nesting_flattened"))
            return html[: tag.start()] + _TAG.sub(_as_break, html[tag.start() :])
    return html


def _as_break(tag: re.Match[str]) -> str:
    """A new paragraph instead of a block; scripts stay what they are, which is no text."""
    name = tag[2].lower()
    return tag[0] if name in ("script", "style") else "<p>" if name in _BLOCKS or name == "br" else ""


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
    everything = len(tree.body.text()) if tree.body is not None else 0
    for main in tree.css("main, [role=main]"):
        if _is_content(main, everything):
            return main
    for node in tree.css("body > header, body > footer, body > div > header, body > div > footer"):
        node.decompose()
    return tree.body


def _is_content(main: LexborNode, everything: int) -> bool:
    """Whether what calls itself the main content is that, and not a search box above it."""
    length = len(main.text().strip())
    return length >= _ENOUGH and main.css_first(_CONTENT) is not None or length > _LITTLE * everything > 0


class _Reader:
    """Collects text until a block begins or ends."""

    def __init__(self, page: int | None) -> None:
        self._page = page
        self._parts: list[tuple[str, str]] = []  # how text is shown (see `joined_runs`), and the text
        self._scripts: list[str] = []
        self._mark = ""  # of the list item that has just begun
        self._numbers: list[int | None] = []  # of the lists that are open; None has bullets
        self._heading = 0
        self._preformatted = False
        self._in_term = False
        self._terms: list[str] = []  # of a list of definitions, until what defines them comes

    def blocks(self, root: LexborNode) -> Iterator[Block]:
        tables = _data_tables(root)
        for node, entering in _walk(root, tables):
            tag = node.tag
            if node.mem_id not in tables and self._is_inline(node, entering):
                continue
            if node.mem_id in tables:
                yield from self._flushed()
                yield from _table(node, self._page)
            elif tag in _BLOCKS:
                yield from self._flushed()
                if tag == "dl" and not entering and self._terms:
                    yield Block(", ".join(self._terms), page=self._page)
                self._turn(node, entering)
        yield from self._flushed()

    def _is_inline(self, node: LexborNode, entering: bool) -> bool:
        """Take what belongs to a line of text; False for anything else."""
        tag = node.tag
        if tag == "-text":
            self._parts += (
                [(self._scripts[-1] if self._scripts else "", node.text_content or "")] if entering else []
            )
        elif tag in _SCRIPTS and entering:
            self._scripts.append(_SCRIPTS[tag])
        elif tag in _SCRIPTS and self._scripts:
            self._scripts.pop()
        elif tag in _REPLACED:
            self._parts += [("", _REPLACED[tag](node))] if entering else []
        else:
            return False
        return True

    def text_of(self, cell: LexborNode) -> str:
        """All text below a node on one line, blocks set apart by spaces."""
        for node, entering in _walk(cell, frozenset()):
            if not self._is_inline(node, entering) and node.tag in _BLOCKS:
                self._parts.append(("", " "))
        return on_one_line(self._joined().replace(_BREAK, " "))

    def _joined(self) -> str:
        text = joined_runs(self._parts)
        self._parts.clear()
        return text

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
        elif tag in ("dl", "dt"):
            self._in_term = entering and tag == "dt"
            if tag == "dl":
                self._terms = []

    def _next_mark(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _flushed(self) -> Iterator[Block]:
        if not self._parts:
            return
        text = self._joined()
        if self._preformatted:
            text = text.replace(_BREAK, "\n").strip("\n").rstrip()
        else:
            text = "\n".join(line for part in text.split(_BREAK) if (line := on_one_line(part)))
        if not text.strip():
            return
        if self._heading:
            yield Block(on_one_line(text), "heading", self._heading, self._page)
        elif self._in_term:
            self._terms.append(on_one_line(text))
        elif self._terms:
            terms = ", ".join(self._terms)
            self._terms = []
            yield Block(f"{terms}{'：' if has_chinese(terms) else ': '}{text}", page=self._page)
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
        child = None if node.mem_id in leaves or node.tag in _REPLACED else node.child
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
    around: set[int] = set()
    for table in root.css("table table"):
        above = table.parent
        while above is not None and above.tag != "table":
            above = above.parent
        around.add(above.mem_id if above is not None else 0)
    tables = [node for node in root.css("table") if node.mem_id not in around]
    return frozenset(
        table.mem_id for table in tables if any(len(row.css("td, th")) > 1 for row in table.css("tr"))
    )


def _table(node: LexborNode, page: int | None) -> Iterator[Block]:
    caption = node.css_first("caption")
    if caption is not None:
        yield Block(on_one_line(caption.text()), page=page)
    rows = [(row, row.css("td, th")) for row in node.css("tr")]
    rows = [(row, cells) for row, cells in rows if cells]
    names = [all(cell.tag == "th" for cell in cells) or _parent_tag(row) == "thead" for row, cells in rows]
    header = names.index(False) if False in names else len(names)
    named = header or node.css_first("th") is not None
    yield from table_blocks(_grid([cells for _, cells in rows]), header if named else None, page)


def _parent_tag(node: LexborNode) -> str | None:
    return node.parent.tag if node.parent is not None else None


def _grid(rows: list[list[LexborNode]]) -> list[list[str]]:
    """Cells by row and column; merged cells repeat their text in all their places."""
    filled: dict[tuple[int, int], str] = {}
    reader = _Reader(None)
    for number, cells in enumerate(rows):
        column = 0
        for cell in cells:
            while (number, column) in filled:
                column += 1
            height = min(_span(cell, "rowspan"), len(rows) - number)
            width = _span(cell, "colspan")
            text = reader.text_of(cell)
            again = merged(text)
            if len(filled) + height * width > _MOST_GRID_CELLS:
                height = width = 1
            for down in range(height):
                for right in range(width):
                    filled[number + down, column + right] = again if down or right else text
            column += width
    width = 1 + max((column for _, column in filled), default=0)
    return [[filled.get((row, column), "") for column in range(width)] for row in range(len(rows))]


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or ""
    return min(max(int(value), 1), _WIDEST_SPAN) if value.isascii() and value.isdigit() else 1


def _number(node: LexborNode) -> int:
    value = node.attributes.get("start") or ""
    return int(value) if value.isascii() and value.isdigit() else 1


def _formula(node: LexborNode) -> str:
    try:
        return f" {linear_formula(safe_xml((node.html or '').encode(), recover=True))} "
    except etree.XMLSyntaxError:
        return on_one_line(node.text())


def _field(node: LexborNode) -> str:
    """What a form shows in one of its fields: what was typed, or whether a box is ticked."""
    kind = (node.attributes.get("type") or "text").lower()
    if kind in ("checkbox", "radio"):
        return "☑" if "checked" in node.attributes else "□"
    return "" if kind in _WITHOUT_TEXT else f" {node.attributes.get('value') or ''} "


def _choice(node: LexborNode) -> str:
    """The chosen entry of a list."""
    chosen = node.css_first("option[selected]") or node.css_first("option")
    return f" {on_one_line(chosen.text())} " if chosen is not None else ""


_REPLACED: dict[str | None, Callable[[LexborNode], str]] = {
    "br": lambda _: _BREAK,
    "math": _formula,
    "input": _field,
    "select": _choice,
    "textarea": lambda node: f" {node.text()} ",
}
