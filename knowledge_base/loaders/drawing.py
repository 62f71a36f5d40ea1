"""DrawingML, as Word, PowerPoint and Excel share it: paragraphs, tables, charts with their data, SmartArt."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from knowledge_base.loaders.formula import joined_runs, linear_formula
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.numbering import FORMATS
from knowledge_base.loaders.numbers import shown_number
from knowledge_base.loaders.package import Element, Package, qn
from knowledge_base.loaders.tables import merged, table_blocks
from knowledge_base.values import Block

_SCRIPTED = 1000  # thousandths of a percent from which a raised baseline counts
_AUTOMATIC = {
    "arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman", "ea1ChsPeriod": "chineseCounting", "ea1ChsPlain": "chineseCounting",
    "ea1ChtPeriod": "chineseCounting", "ea1ChtPlain": "chineseCounting",
    "circleNumDbPlain": "decimalEnclosedCircle",
    "circleNumWdWhitePlain": "decimalEnclosedCircle", "circleNumWdBlackPlain": "decimalEnclosedCircle",
}  # fmt: skip
_AROUND = {"ParenBoth": "({})", "ParenR": "{})", "Period": "{}.", "Plain": "{}", "Minus": "{}-"}
_MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class ListStyle:
    """The list marks that a text inherits, by level: "auto TYPE", "char", or "" for none."""

    marks: tuple[str, ...] = ()

    def mark(self, level: int) -> str:
        """The mark of paragraphs on a level."""
        return self.marks[level] if level < len(self.marks) else ""


def list_style(styles: Iterable[Element | None]) -> ListStyle:
    """Marks from list styles (`a:lstStyle` and the like), the nearest first."""
    found: dict[int, str] = {}
    for style in styles:
        for level in range(9):
            properties = style.find(qn(f"a:lvl{level + 1}pPr")) if style is not None else None
            mark = _own_mark(properties) if properties is not None else None
            if mark is not None:
                found.setdefault(level, mark)
    return ListStyle(tuple(found.get(level, "") for level in range(9)))


def paragraph_texts(body: Element | None, style: ListStyle | None = None) -> Iterator[str]:
    """Paragraphs of a text body, with the numbers of lists that the program counts itself."""
    style = style or ListStyle()
    counts: dict[int, tuple[str, int]] = {}
    for paragraph in body.iter(qn("a:p")) if body is not None else ():
        lines = (on_one_line(line) for line in _text(paragraph).split("\n"))
        text = "\n".join(line for line in lines if line)
        if text:
            yield _mark(paragraph, style, counts) + text


def _own_mark(properties: Element) -> str | None:
    for child in properties:
        name = etree.QName(child).localname if isinstance(child.tag, str) else ""
        if name == "buAutoNum":
            return f"auto {child.get('type', 'arabicPeriod')} {child.get('startAt', '1')}"
        if name in ("buChar", "buBlip"):
            return "char"
        if name == "buNone":
            return ""
    return None


def _mark(paragraph: Element, style: ListStyle, counts: dict[int, tuple[str, int]]) -> str:
    """What stands before a paragraph. Numbers go on until another kind of list or a higher level comes."""
    properties = paragraph.find(qn("a:pPr"))
    level = int(properties.get("lvl", "0")) if properties is not None else 0
    own = _own_mark(properties) if properties is not None else None
    mark = style.mark(level) if own is None else own
    for deeper in [
        other for other in counts if other > level or (other == level and not mark.startswith("auto"))
    ]:
        del counts[deeper]
    if not mark.startswith("auto"):
        return "- " if mark and own is not None else ""
    _, kind, start = mark.split(" ")
    before = counts.get(level)
    number = before[1] + 1 if before is not None and before[0] == mark else int(start)
    counts[level] = (mark, number)
    shape, around = _automatic(kind)
    return around.format(FORMATS.get(shape, str)(number)) + " "


def _automatic(kind: str) -> tuple[str, str]:
    """The numbers of an automatic list and what surrounds them: romanUcParenBoth is (IV)."""
    around = next((shape for end, shape in _AROUND.items() if kind.endswith(end)), "{}.")
    if kind == "ea1ChsPeriod":
        around = "{}、"
    name = next((known for known in _AUTOMATIC if kind.startswith(known)), "arabic")
    return _AUTOMATIC[name], around


def _text(paragraph: Element) -> str:
    return joined_runs(_runs(paragraph))


def _runs(element: Element) -> Iterator[tuple[str, str]]:
    for child in element:
        if child.tag in (qn("a:r"), qn("a:fld")):
            yield _kind(child.find(qn("a:rPr"))), (child.findtext(qn("a:t")) or "").replace("\v", "\n")
        elif child.tag == qn("a:br"):
            yield "", "\n"
        elif child.tag in (qn("m:oMath"), qn("m:oMathPara")):
            yield "", linear_formula(child)
        elif child.tag in (qn("mc:AlternateContent"), qn("mc:Choice")) or str(child.tag).endswith("}m"):
            yield from _runs(child)


def _kind(properties: Element | None) -> str:
    if properties is None:
        return ""
    baseline = properties.get("baseline", "0").rstrip("%")
    raised = float(baseline) if baseline.lstrip("-").replace(".", "").isdigit() else 0
    if abs(raised) >= _SCRIPTED or "%" in properties.get("baseline", "") and raised:
        return "sup" if raised > 0 else "sub"
    return "strike" if properties.get("strike", "noStrike") in ("sngStrike", "dblStrike") else ""


def drawn_table(table: Element, page: int | None) -> Iterator[Block]:
    """Rows of an `a:tbl`; merged cells repeat their text in all their places."""
    grid: list[list[str]] = []
    for row in table.iterchildren(qn("a:tr")):
        texts: list[str] = []
        for cell in row.iterchildren(qn("a:tc")):
            if cell.get("hMerge") in ("1", "true") and texts:
                texts.append(merged(texts[-1]))
            elif cell.get("vMerge") in ("1", "true") and grid and len(texts) < len(grid[-1]):
                texts.append(merged(grid[-1][len(texts)]))
            else:
                texts.append("\n".join(paragraph_texts(cell.find(qn("a:txBody")))))
        grid.append(texts)
    if max((len(row) for row in grid), default=0) == 1:
        yield from (Block(row[0], page=page) for row in grid if row and row[0])
    else:
        yield from table_blocks(grid, page=page)


def chart_blocks(root: Element | None, page: int | None = None) -> Iterator[Block]:
    """A chart's title and its data: one row per category, which names the series."""
    if root is None:
        return
    title = root.find(f".//{qn('c:chart')}/{qn('c:title')}")
    if title is not None and (text := " ".join(paragraph_texts(title))):
        yield Block(text, page=page)
    columns: list[tuple[str, dict[int, str]]] = []
    categories: dict[int, str] = {}
    for series in root.iter(qn("c:ser")):
        found = _points(series.find(qn("c:cat"))) or _points(series.find(qn("c:xVal")))
        categories = {**found, **categories}
        values = _points(series.find(qn("c:val"))) or _points(series.find(qn("c:yVal")))
        name = on_one_line(" ".join(_points(series.find(qn("c:tx"))).values()))
        columns.append((name, values))
    places = sorted(set(categories).union(*(values for _, values in columns)))
    if any(values for _, values in columns):
        axis = root.find(f".//{qn('c:catAx')}/{qn('c:title')}")
        head = " ".join(paragraph_texts(axis)) if axis is not None else ""
        grid = [[head, *(name for name, _ in columns)]]
        grid += [
            [categories.get(at, str(at + 1)), *(values.get(at, "") for _, values in columns)] for at in places
        ]
        yield from table_blocks(grid, 1, page)


def _points(element: Element | None) -> dict[int, str]:
    """Texts of a series' part by index; the levels of a category are joined."""
    found: dict[int, str] = {}
    if element is None:
        return found
    code = element.findtext(f".//{qn('c:formatCode')}") or "General"
    is_number = element.find(f".//{qn('c:numCache')}") is not None or element.find(qn("c:numLit")) is not None
    for point in element.iter(qn("c:pt")):
        index = int(point.get("idx", "0"))
        text = point.findtext(qn("c:v")) or ""
        if index < _MOST_POINTS:
            shown = _shown(text, point.get("formatCode") or code) if is_number else text
            found[index] = f"{shown} {found[index]}" if index in found else shown
    if not found and (text := element.findtext(qn("c:v"))):
        found[0] = text
    return found


def _shown(text: str, code: str) -> str:
    try:
        return shown_number(float(text), code)
    except ValueError:
        return text


def diagram_texts(root: Element | None) -> Iterator[str]:
    """The texts of SmartArt from the top down, each indented below the one it belongs to."""
    if root is None:
        return
    points = {point.get("modelId"): point for point in root.iter(qn("dgm:pt"))}
    below: dict[str | None, list[tuple[int, str | None]]] = {}
    for link in root.iter(qn("dgm:cxn")):
        if link.get("type", "parOf") == "parOf":
            order = int(link.get("srcOrd", "0"))
            below.setdefault(link.get("srcId"), []).append((order, link.get("destId")))
    linked = {to for links in below.values() for _, to in links}
    seen: set[str | None] = set()
    stack = [(name, 0) for name in reversed(list(points)) if name not in linked]
    while stack:
        name, depth = stack.pop()
        if name in seen or name not in points:
            continue
        seen.add(name)
        point = points[name]
        text = " ".join(paragraph_texts(point.find(qn("dgm:t"))))
        if text and point.get("type", "node") in ("node", "asst", "doc"):
            yield "  " * max(depth - 1, 0) + "- " + text
        stack += [(to, depth + 1) for _, to in sorted(below.get(name, []), key=_order, reverse=True)]


def _order(link: tuple[int, str | None]) -> int:
    return link[0]


def graphic_blocks(frame: Element, package: Package, part: str, page: int | None = None) -> Iterator[Block]:
    """What a graphic in a text or on a slide shows: a table, a chart or SmartArt."""
    relations = package.relations(part)
    for data in frame.iter(qn("a:graphicData")):
        for table in data.iterchildren(qn("a:tbl")):
            yield from drawn_table(table, page)
        for element in data:
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            key = {"chart": "r:id", "relIds": "r:dm"}.get(name)
            relation = relations.get(str(element.get(qn(key), ""))) if key else None
            if relation is None:
                continue
            root = package.xml(relation.target)
            if name == "chart":
                yield from chart_blocks(root, page)
            else:
                yield from (Block(text, page=page) for text in diagram_texts(root))


def box_texts(package: Package, part: str) -> Iterator[str]:
    """The text boxes that lie on a sheet."""
    for name in package.related(part, "drawing"):
        root = package.xml(name)
        for body in root.iter("{*}txBody") if root is not None else ():
            yield "\n".join(paragraph_texts(body))
