"""The numbers that Word writes before paragraphs and does not store: 1., (a), 第三条, •."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from knowledge_base.loaders.package import Element, qn

_DIGITS = "零一二三四五六七八九"
_LEGAL_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_DEEPEST = 9
# Bullets that are boxes to tick, in Unicode and in the letters of the font Wingdings, and what is shown.
BOXES = {
    "□": "□", "☐": "□", "\uf06f": "□", "\uf0a8": "□", "\uf071": "□", "\uf072": "□", "☑": "☑", "\uf052": "☑",
    "☒": "☒", "\uf0fe": "☑", "\uf0fd": "☒", "\uf078": "☒", "√": "√", "✓": "✓", "\uf0fc": "✓", "\uf0fb": "✗",
}  # fmt: skip
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    pattern: str
    start: int
    legal: bool = False  # all numbers in it in digits, whatever their own level says


class Numbering:
    """Counts through a document; `mark` must be called for every paragraph in order."""

    def __init__(self, part: Element | None) -> None:
        self._levels: dict[str, tuple[str, dict[int, _Level]]] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        if part is not None:
            self._read(part)

    def mark(self, paragraph: Element, styles: Sequence[Element]) -> str:
        """What stands before a paragraph with a space after it, "" if nothing does.

        `styles` are the paragraph's style and those that it is based on, nearest first.
        """
        number, depth = _place([paragraph, *styles])
        if number not in self._levels:
            return "- " if styles and _child_value(styles[0], "w:name").startswith("List Bullet") else ""
        list_id, levels = self._levels[number]
        level = levels.get(depth)
        if level is None or level.format == "none":
            return ""
        if level.format == "bullet":
            return f"{BOXES.get(level.pattern, '-')} "
        counts = self._counts[list_id]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        return _filled(level, counts, levels) + " "

    def _read(self, part: Element) -> None:
        lists = {
            element.get(qn("w:abstractNumId")): {
                int(level.get(qn("w:ilvl"), "0")): _level(level)
                for level in element.iterchildren(qn("w:lvl"))
            }
            for element in part.iterchildren(qn("w:abstractNum"))
        }
        for element in part.iterchildren(qn("w:num")):
            list_id = _child_value(element, "w:abstractNumId")
            levels = dict(lists.get(list_id, {}))
            number = element.get(qn("w:numId"))
            restarts = False
            for override in element.iterchildren(qn("w:lvlOverride")):
                restarts = True
                depth = int(override.get(qn("w:ilvl"), "0"))
                start = _child_value(override, "w:startOverride")
                if depth in levels and start.isdigit():
                    levels[depth] = replace(levels[depth], start=int(start))
            self._levels[number] = (f"{list_id}:{number}" if restarts else list_id, levels)


def _level(element: Element) -> _Level:
    start = _child_value(element, "w:start")
    return _Level(
        _child_value(element, "w:numFmt") or "decimal",
        _child_value(element, "w:lvlText"),
        int(start) if start.isdigit() else 1,
        element.find(qn("w:isLgl")) is not None,
    )


def _place(candidates: Sequence[Element]) -> tuple[str, int]:
    """The list of a paragraph and its level in it, its own or those of its styles."""
    depth = ""
    for element in candidates:
        properties = element.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if properties is not None:
            depth = depth or _child_value(properties, "w:ilvl")
            if number := _child_value(properties, "w:numId"):
                return number, int(depth) if depth.isdigit() else 0
    return "", 0


def _filled(marked: _Level, counts: dict[int, int], levels: dict[int, _Level]) -> str:
    text = marked.pattern
    for depth in range(_DEEPEST):
        if f"%{depth + 1}" in text:
            level = levels.get(depth)
            start = level.start if level else 1
            shape = FORMATS.get(level.format, str) if level and not marked.legal else str
            text = text.replace(f"%{depth + 1}", shape(counts.get(depth, start)))
    return text


def _child_value(element: Element, name: str) -> str:
    found = element.find(qn(name))
    return str(found.get(qn("w:val"), "")) if found is not None else ""


def _letters(number: int) -> str:
    """a … z, aa, bb: as Word counts on."""
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        text += letters * (number // value)
        number %= value
    return text


def _ordinal_ending(number: int) -> str:
    return "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def chinese_number(number: int, *, legal: bool = False) -> str:
    """A number below ten thousand in Chinese: 十二, 一百零五, as on cheques 壹佰零伍; above it, in digits."""
    if not 0 < number < 10_000:  # noqa: PLR2004 - no document counts further
        return str(number)
    text = ""
    digits, units = (_LEGAL_DIGITS, "仟佰拾") if legal else (_DIGITS, "千百十")
    for value, unit in ((1000, units[0]), (100, units[1]), (10, units[2]), (1, "")):
        digit, number = divmod(number, value)
        if digit:
            text += digits[digit] + unit
        elif text and number and not text.endswith("零"):
            text += "零"
    return text[1:] if text.startswith("一十") else text


FORMATS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "decimalZero": lambda number: f"{number:02}",
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": _roman,
    "upperRoman": lambda number: _roman(number).upper(),
    "chineseCounting": chinese_number,
    "chineseCountingThousand": chinese_number,
    "chineseLegalSimplified": lambda number: chinese_number(number, legal=True),
    "ideographDigital": chinese_number,
    "ideographLegalTraditional": lambda number: chinese_number(number, legal=True),
    "ideographTraditional": lambda number: _STEMS[number - 1] if 0 < number <= len(_STEMS) else str(number),
    "japaneseCounting": chinese_number,
    "taiwaneseCounting": chinese_number,
    "taiwaneseCountingThousand": chinese_number,
    "decimalFullWidth": lambda number: str(number).translate(_FULL_WIDTH),
    "numberInDash": lambda number: f"- {number} -",
    "ordinal": lambda number: f"{number}{_ordinal_ending(number)}",
    "decimalEnclosedCircle": lambda number: chr(0x2460 + number - 1) if number <= 20 else str(number),  # noqa: PLR2004
}
