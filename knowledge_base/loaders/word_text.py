"""The text of a Word paragraph: runs, fields, formulas, boxes to tick, and the marks of its notes."""

import re
from collections.abc import Callable, Iterator

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.formula import joined_runs, linear_formula, superscript
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.numbering import BOXES, FORMATS
from knowledge_base.loaders.package import Element, Package, qn

_BOX = qn("w:txbxContent")
# Text that was deleted or moved away, the second copy of a text box, and settings.
_PASSED_OVER = frozenset(
    map(
        qn,
        (
            "w:moveFrom",
            "w:del",
            "w:pPr",
            "w:rPr",
            "w:sdtPr",
            "w:instrText",
            "w:delText",
            "w:rt",
            "mc:Fallback",
        ),
    )
)
_PLAIN = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
    qn("w:ptab"): "\t",
}
_OFF = ("0", "false", "off", "none")
_HEADING = re.compile(r"(?:heading|标题) ?(\d)")
_DEEPEST_HEADING = 9


class Styles:
    """The paragraph styles of a document, whatever else its list of styles leaves out."""

    def __init__(self, root: Element | None) -> None:
        styles = root.iterchildren(qn("w:style")) if root is not None else ()
        self._styles = {str(style.get(qn("w:styleId"), "")): style for style in styles}

    def of(self, paragraph: Element) -> list[Element]:
        """The style of a paragraph and those that it is based on, nearest first."""
        chain: list[Element] = []
        style = self._styles.get(value(paragraph, "w:pPr/w:pStyle"))
        while style is not None and style not in chain:
            chain.append(style)
            style = self._styles.get(value(style, "w:basedOn"))
        return chain

    def name_of(self, paragraph: Element) -> str:
        """The name of a paragraph's style in lower case."""
        styles = self.of(paragraph)
        return value(styles[0], "w:name").lower() if styles else ""


class Annotations:
    """Footnotes, endnotes and comments: numbered where the text refers to them, and given out behind it."""

    def __init__(self, package: Package, part: str) -> None:
        self._package = package
        self._part = part
        self._notes = {
            kind: self._by_id(f"{kind}s", f"w:{kind}") for kind in ("footnote", "endnote", "comment")
        }
        self._count = {"footnote": 0, "endnote": 0}
        self._waiting: list[str] = []

    def refer(self, reference: Element, kind: str) -> str:
        """The mark of a note in the text; the note itself waits for `taken`."""
        note = self._notes[kind].get(str(reference.get(qn("w:id"), "")))
        if note is None:
            return ""
        text = " ".join(filter(None, (paragraph_text(paragraph, None) for paragraph in note.iter(qn("w:p")))))
        if kind == "comment":
            if text:
                self._waiting.append(_comment(str(note.get(qn("w:author"), "")), text))
            return ""
        self._count[kind] += 1
        number = self._count[kind]
        mark = superscript(str(number)) if kind == "footnote" else f"[{FORMATS['lowerRoman'](number)}]"
        self._waiting.append(f"{mark} {text}")
        return mark

    def taken(self) -> list[str]:
        """The notes that were referred to since the last call."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def _by_id(self, kind: str, tag: str) -> dict[str, Element]:
        names = self._package.related(self._part, kind)
        root = self._package.xml(names[0]) if names else None
        found = root.iterchildren(qn(tag)) if root is not None else ()
        real = (note for note in found if note.get(qn("w:type"), "normal") == "normal")
        return {str(note.get(qn("w:id"), "")): note for note in real}


def _comment(author: str, text: str) -> str:
    if has_chinese(text):
        return f"批注（{author}）：{text}" if author else f"批注：{text}"
    return f"Comment ({author}): {text}" if author else f"Comment: {text}"


def heading_level(element: Element, styles: list[Element]) -> int:
    """Level of a heading from its own outline level, or from its style or one that this is based on."""
    own = value(element, "w:pPr/w:outlineLvl")
    if own.isdigit():
        return int(own) + 1 if int(own) < _DEEPEST_HEADING else 0
    for style in styles:
        name = value(style, "w:name").lower()
        if name == "title":
            return 1
        if found := _HEADING.fullmatch(name):
            return int(found.group(1)) or 1
        outline = value(style, "w:pPr/w:outlineLvl")
        if outline.isdigit():
            return int(outline) + 1 if int(outline) < _DEEPEST_HEADING else 0
    return 0


def paragraph_text(element: Element, annotations: Annotations | None) -> str:
    """Lines of a paragraph: of runs, links, fields and insertions, without its text boxes."""
    text = joined_runs(_runs(element, annotations, ""))
    return "\n".join(line for part in text.split("\n") if (line := on_one_line(part)))


def _runs(element: Element, annotations: Annotations | None, kind: str) -> Iterator[tuple[str, str]]:
    for child in element:
        tag = child.tag
        if tag == qn("w:t"):
            yield kind, child.text or ""
        elif tag == qn("w:r"):
            shape = _shape(child.find(qn("w:rPr")))
            if shape is not None:
                yield from _runs(child, annotations, shape)
        elif tag in _PLAIN:
            yield "", _PLAIN[tag]
        elif tag in _SHOWN:
            yield "", _SHOWN[tag](child)
        elif tag in _REFERENCES:
            yield "", annotations.refer(child, _REFERENCES[tag]) if annotations is not None else ""
        elif tag == qn("mc:AlternateContent"):
            yield from _runs(child[0], annotations, kind) if len(child) else ()
        elif isinstance(tag, str) and tag not in _PASSED_OVER and tag != _BOX and not is_placeholder(child):
            yield from _runs(child, annotations, kind)


_REFERENCES = {qn(f"w:{kind}Reference"): kind for kind in ("footnote", "endnote", "comment")}


def _shape(properties: Element | None) -> str | None:
    """How a run is shown: raised, lowered, struck out or plainly; None if it is hidden."""
    if properties is None:
        return ""
    if _is_on(properties, "w:vanish") and not _is_on(properties, "w:specVanish"):
        return None
    script = value(properties, "w:vertAlign")
    if script in ("superscript", "subscript"):
        return "sup" if script == "superscript" else "sub"
    return "strike" if _is_on(properties, "w:strike") or _is_on(properties, "w:dstrike") else ""


def _is_on(properties: Element, name: str) -> bool:
    found = properties.find(qn(name))
    return found is not None and found.get(qn("w:val"), "1") not in _OFF


def _symbol(element: Element) -> str:
    """A sign of a symbol font: boxes and ticks have one in Unicode, ornaments are left out."""
    code = str(element.get(qn("w:char"), ""))
    try:
        sign = chr(int(code, 16))
    except ValueError:
        return ""
    private = sign if sign >= "\uf000" else chr(0xF000 + ord(sign))
    if "wingdings" in str(element.get(qn("w:font"), "")).lower():
        return BOXES.get(private, "")
    return _GREEK.get(ord(private) - 0xF000, "") if "\uf000" <= sign <= "\uf0ff" else sign


# The font Symbol: Greek letters and signs in the places of Latin ones.
_GREEK = dict(
    zip(
        b"abgdezhqiklmnxoprstufcywABGDEZHQIKLMNXOPRSTUFCYW",
        "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
        strict=True,
    )
) | {
    0xA3: "≤",
    0xB3: "≥",
    0xB1: "±",
    0xB4: "×",
    0xB8: "÷",
    0xB0: "°",
    0xB9: "≠",
    0xBB: "≈",
    0xA5: "∞",
    0xB7: "•",
}


def _form_field(element: Element) -> str:
    """What a form field of older Word shows that is not text: a box, or the choice of a list."""
    box = element.find(f"{qn('w:ffData')}/{qn('w:checkBox')}")
    if box is not None:
        state = box.find(qn("w:checked"))
        state = state if state is not None else box.find(qn("w:default"))
        return "☒" if state is not None and state.get(qn("w:val"), "1") not in _OFF else "□"
    choices = element.find(f"{qn('w:ffData')}/{qn('w:ddList')}")
    if choices is None:
        return ""
    entries = [str(entry.get(qn("w:val"), "")) for entry in choices.iterchildren(qn("w:listEntry"))]
    chosen = value(choices, "w:result") or value(choices, "w:default") or "0"
    return entries[int(chosen)] if chosen.isdigit() and int(chosen) < len(entries) else ""


_SHOWN: dict[str, Callable[[Element], str]] = {
    qn("w:sym"): _symbol,
    qn("w:fldChar"): _form_field,
    qn("m:oMath"): linear_formula,
    qn("m:oMathPara"): linear_formula,
}


def boxes(element: Element) -> Iterator[Element]:
    """Text boxes anchored in a paragraph, without their copies for old programs."""
    for child in element:
        if child.tag == _BOX:
            yield child
        elif child.tag == qn("mc:AlternateContent"):
            yield from boxes(child[0]) if len(child) else ()
        elif child.tag not in _PASSED_OVER:
            yield from boxes(child)


def is_placeholder(element: Element) -> bool:
    """Whether a content control still shows what asks to be replaced ("Click here to enter text").

    Word writes that in a style of its own; some programs leave the mark where they have put a value.
    """
    asks = element.find(f"{qn('w:sdtPr')}/{qn('w:showingPlcHdr')}") is not None
    return asks and next(element.iter(qn("w:rStyle")), None) is not None


def value(element: Element, path: str) -> str:
    """The `w:val` of the element at a path such as `w:pPr/w:pStyle`, "" if there is none."""
    found = element.find("/".join(map(qn, path.split("/"))))
    return str(found.get(qn("w:val"), "")) if found is not None else ""
