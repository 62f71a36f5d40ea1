"""PPTX and its kin: each slide's title, texts, tables and charts from top to bottom, notes and comments."""

from collections.abc import Iterable, Iterator

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.drawing import ListStyle, graphic_blocks, list_style, paragraph_texts
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.package import Element, Package, qn
from knowledge_base.loaders.titles import own_title
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_TITLES = ("title", "ctrTitle")
_FRAME = ("sldNum", "dt", "ftr", "hdr")  # what repeats on every slide
_PLACEHOLDER = f".//{qn('p:nvPr')}/{qn('p:ph')}"
_STYLES = {"title": "titleStyle", "ctrTitle": "titleStyle"}
_DEEPEST_GROUP = 30


def load_slides(data: bytes) -> LoadedFile:
    """Read a PPTX, PPTM, PPSX, PPSM, POTX or POTM; LoadError if it is damaged, protected or a zip bomb."""
    notes: list[Note] = []
    package = Package(data, notes)
    return collected(own_title(package.title()), _blocks(package), notes)


def _blocks(package: Package) -> Iterator[Block]:
    deck = package.xml(package.main)
    relations = package.relations(package.main)
    identifiers = deck.iterfind(f"{qn('p:sldIdLst')}/{qn('p:sldId')}") if deck is not None else ()
    for number, identifier in enumerate(identifiers, start=1):
        relation = relations.get(str(identifier.get(qn("r:id"), "")))
        root = package.xml(relation.target) if relation is not None else None
        if root is None or relation is None:
            package.notes.append(Note("pages_damaged", pages=(number,)))
        else:
            yield from _Slide(package, relation.target, root, number).blocks()


class _Slide:
    def __init__(self, package: Package, part: str, root: Element, number: int) -> None:
        self._package = package
        self._part = part
        self._root = root
        self._number = number
        layouts = package.related(part, "slideLayout")
        masters = package.related(layouts[0], "slideMaster") if layouts else []
        self._above = [
            root for name in (*layouts[:1], *masters[:1]) if (root := package.xml(name)) is not None
        ]

    def blocks(self) -> Iterator[Block]:
        shapes = list(_shapes(self._root.find(f"{qn('p:cSld')}/{qn('p:spTree')}")))
        title = next((shape for shape in shapes if _kind(shape) in _TITLES and shape.tag == qn("p:sp")), None)
        if title is not None and (text := on_one_line(" ".join(paragraph_texts(_body(title))))):
            yield Block(text, "heading", 1, self._number)
        for shape in self._in_order(shape for shape in shapes if shape is not title):
            yield from self._shape(shape)
        yield from (Block(text, page=self._number) for text in (*self._notes(), *self._comments()))

    def _in_order(self, shapes: Iterable[Element]) -> list[Element]:
        """From top to bottom, then from left to right; shapes without a place of their own come first."""
        return sorted(shapes, key=self._place)

    def _place(self, shape: Element) -> tuple[int, int]:
        """Top and left, those of the layout where the slide has none."""
        for candidate in (shape, *self._inherited(shape)):
            offset = candidate.find(f".//{qn('a:off')}")
            offset = candidate.find(f"{qn('p:xfrm')}/{qn('a:off')}") if offset is None else offset
            if offset is not None:
                return int(float(offset.get("y", "0"))), int(float(offset.get("x", "0")))
        return 0, 0

    def _shape(self, shape: Element, depth: int = 0) -> Iterator[Block]:
        if shape.tag == qn("p:grpSp") and depth == _DEEPEST_GROUP:
            self._package.notes.append(Note("nesting_cut"))
        elif shape.tag == qn("p:grpSp"):
            for part in self._in_order(_shapes(shape)):
                yield from self._shape(part, depth + 1)
        elif shape.tag == qn("p:graphicFrame"):
            yield from graphic_blocks(shape, self._package, self._part, self._number)
        elif shape.tag == qn("p:sp") and _kind(shape) not in _FRAME:
            for text in paragraph_texts(_body(shape), self._style(shape)):
                yield Block(text, page=self._number)

    def _style(self, shape: Element) -> ListStyle:
        """The list marks of a shape's text: its own, its layout's and its master's."""
        bodies = (_body(candidate) for candidate in (shape, *self._inherited(shape)))
        styles = [body.find(qn("a:lstStyle")) for body in bodies if body is not None]
        if (kind := _kind(shape)) is not None and len(self._above) > 1:
            name = _STYLES.get(kind, "bodyStyle")
            styles.append(self._above[1].find(f"{qn('p:txStyles')}/{qn(f'p:{name}')}"))
        return list_style(styles)

    def _inherited(self, shape: Element) -> Iterator[Element]:
        """The placeholders of layout and master that a shape fills."""
        mark = shape.find(_PLACEHOLDER)
        for root in self._above if mark is not None else ():
            for other in root.iter(qn("p:sp")):
                found = other.find(_PLACEHOLDER)
                if found is None or mark is None:
                    continue
                same_place = found.get("idx", "0") == mark.get("idx", "0")
                if same_place and (root is self._above[0] or found.get("type") == mark.get("type")):
                    yield other
                    break

    def _notes(self) -> Iterator[str]:
        for name in self._package.related(self._part, "notesSlide"):
            root = self._package.xml(name)
            for shape in root.iter(qn("p:sp")) if root is not None else ():
                if _kind(shape) == "body":
                    yield from paragraph_texts(_body(shape))

    def _comments(self) -> Iterator[str]:
        for name in self._package.related(self._part, "comments"):
            root = self._package.xml(name)
            for comment in root.iter("{*}cm") if root is not None else ():
                body = comment.find("{*}txBody")
                text = comment.findtext("{*}text") or " ".join(paragraph_texts(body))
                if text := on_one_line(text):
                    yield f"批注：{text}" if has_chinese(text) else f"Comment: {text}"


def _shapes(container: Element | None) -> Iterator[Element]:
    """The shapes of a slide or group; of alternatives, those for newer programs."""
    for child in container if container is not None else ():
        if child.tag == qn("mc:AlternateContent"):
            yield from _shapes(next(iter(child), None))
        elif isinstance(child.tag, str):
            yield child


def _kind(shape: Element) -> str | None:
    """The type of a placeholder, "" for one that names none; None for other shapes."""
    mark = shape.find(_PLACEHOLDER) if shape.tag == qn("p:sp") else None
    return str(mark.get("type", "")) if mark is not None else None


def _body(shape: Element) -> Element | None:
    return shape.find(qn("p:txBody"))
