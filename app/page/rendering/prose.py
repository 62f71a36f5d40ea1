"""The Markdown of an answer as HTML: paragraphs, lists and tables, each with the marks of its citations."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.page.markup import Markup, join, tag

_ITEM = re.compile(r"\n+(?P<mark>-|\d+\.) $")
_BOLD = re.compile(r"\*\*(.+?)\*\*")


@dataclass(frozen=True)
class Span:
    """Some text of an answer, what separates it from the text before it, and its marks, drawn already."""

    before: str
    text: str
    marks: Markup = Markup("")
    cls: str = "dq-sentence"
    hint: str | None = None


@dataclass
class _Block:
    """A paragraph, list or table as it grows."""

    name: str
    parts: list[Markup] = field(default_factory=list)


def prose(spans: Sequence[Span]) -> Markup:
    """The blocks of an answer; a line break inside a paragraph stays one."""
    blocks: list[_Block] = []
    for span in spans:
        item = _ITEM.search(span.before)
        if span.text.startswith("|"):
            _block(blocks, "table", False).parts += _rows(span)
        elif item:
            name = "ul" if item["mark"] == "-" else "ol"
            _block(blocks, name, False).parts.append(tag("li", _drawn(span)))
        elif blocks and blocks[-1].name in ("ul", "ol") and "\n" not in span.before:
            blocks[-1].parts[-1] = (
                blocks[-1].parts[-1][: -len("</li>")] + span.before + _drawn(span) + Markup("</li>")
            )
        else:
            starts = "\n\n" in span.before
            block = _block(blocks, "p", starts)
            block.parts += [Markup.escape("" if starts or not block.parts else span.before), _drawn(span)]
    return join(tag(block.name, *block.parts) for block in blocks)


def _block(blocks: list[_Block], name: str, new: bool) -> _Block:
    """The last block, if it is of that name and no new one must begin, else a new one."""
    if new or not blocks or blocks[-1].name != name:
        blocks.append(_Block(name))
    return blocks[-1]


def _rows(span: Span) -> Iterable[Markup]:
    """The rows of a Markdown table in a span; the line above the dashes is its head."""
    lines = span.text.split("\n")
    is_head = any(set(line) <= set("| -") for line in lines[1:])
    for line in lines:
        if set(line) <= set("| -"):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        drawn = [tag("th" if is_head else "td", cell) for cell in cells]
        if not is_head and drawn:
            drawn[-1] = tag("td", cells[-1], span.marks)
        yield tag("tr", *drawn)


def _drawn(span: Span) -> Markup:
    """The text with its bold parts, and its marks."""
    pieces = _BOLD.split(span.text)
    inside = [tag("b", piece) if place % 2 else Markup.escape(piece) for place, piece in enumerate(pieces)]
    if span.hint is not None:  # the mark of a sentence without a source is part of it
        return tag("span", *inside, span.marks, cls=span.cls, title=span.hint)
    return tag("span", *inside, cls=span.cls) + span.marks
