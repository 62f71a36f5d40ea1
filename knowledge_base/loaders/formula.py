"""Superscripts and formulas on one line: 10⁹/L, (a + b)/c, √(x), ∑_(i=1)^n x. From OMML and MathML.

The linear form follows Unicode's "Nearly Plain-Text Encoding of Mathematics" (Unicode Technical Note 28).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lxml import etree

Element = Any  # of lxml, which has no types worth their name

_RAISED = str.maketrans("0123456789+-−=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-−=()aeoxj", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₒₓⱼ")
_RAISABLE = re.compile(r"[0-9+\-−=()ni]+")
_LOWERABLE = re.compile(r"[0-9+\-−=()aeoxj]+")
_ORDINAL = re.compile(r"st|nd|rd|th|er|re|e|ème|ers|o|a|os|as|tm|sm|®|™|℠|\[[^\]]*\]", re.IGNORECASE)
_ATOM = re.compile(r"[\w.,%\u2070-\u209c′]+|\([^()]*\)|[√∛∜]\([^()]*\)", re.UNICODE)
_ROOTS = {"": "√", "2": "√", "3": "∛", "4": "∜"}
_DEEPEST = 60


def superscript(text: str) -> str:
    """Raised text: 10⁹, x^(a/b); ordinal endings (1st) and trade marks stay as they are."""
    return _script(text, "^", _RAISABLE, _RAISED)


def subscript(text: str) -> str:
    """Lowered text: H₂O, x_(max)."""
    return _script(text, "_", _LOWERABLE, _LOWERED)


def _script(text: str, sign: str, simple: re.Pattern[str], table: dict[int, int]) -> str:
    bare = text.strip()
    if not bare or (sign == "^" and _ORDINAL.fullmatch(bare)):
        return text
    if simple.fullmatch(bare):
        return bare.translate(table)
    return f"{sign}{bare}" if len(bare) == 1 else f"{sign}({bare})"


def linear_formula(element: Element) -> str:
    """A formula of Word (m:oMath), a page or OpenDocument (math) on one line."""
    return re.sub(r"[ \u2061-\u2064]+", " ", _linear(element, 0)).strip()


def _linear(element: Element, depth: int) -> str:
    if not isinstance(element.tag, str):
        return ""
    if depth > _DEEPEST:
        return "".join(element.itertext())
    name = etree.QName(element).localname
    if name in _TEXTS:
        return str(element.text or "")
    if name in _IGNORED:
        return ""
    shape = _SHAPES.get(name)
    if shape is None:
        return "".join(_linear(child, depth + 1) for child in element)
    children = [child for child in element if isinstance(child.tag, str)]
    parts = {etree.QName(child).localname: child for child in children}

    def part(which: str | int) -> str:
        if isinstance(which, int):
            return _linear(children[which], depth + 1).strip() if which < len(children) else ""
        return _linear(parts[which], depth + 1).strip() if which in parts else ""

    return shape(element, part, [_linear(child, depth + 1) for child in children])


Part = Callable[[str | int], str]
_TEXTS = frozenset(["t", "mi", "mn", "mo", "mtext", "ms"])
_IGNORED = frozenset(
    [
        "rPr",
        "ctrlPr",
        "fPr",
        "sSupPr",
        "sSubPr",
        "sSubSupPr",
        "radPr",
        "naryPr",
        "dPr",
        "funcPr",
        "mPr",
        "eqArrPr",
        "accPr",
        "barPr",
        "limLowPr",
        "limUppPr",
        "groupChrPr",
        "boxPr",
        "borderBoxPr",
        "sPrePr",
        "oMathParaPr",
        "argPr",
        "annotation",
        "annotation-xml",
        "mspace",
        "mprescripts",
        "none",
        "phantPr",
        "delText",
    ]
)


def _grouped(text: str) -> str:
    """In parentheses unless it is one thing."""
    return text if not text or _ATOM.fullmatch(text) else f"({text})"


def _fraction(numerator: str, denominator: str) -> str:
    return f"{_grouped(numerator)}/{_grouped(denominator)}"


def _root(degree: str, radicand: str) -> str:
    sign = _ROOTS.get(degree)
    return f"{sign}({radicand})" if sign else f"{superscript(degree)}√({radicand})"


def _value(element: Element, properties: str, name: str, default: str) -> str:
    found = element.find(f"{{*}}{properties}/{{*}}{name}")
    if found is None:
        return default
    return next((str(value) for key, value in found.items() if etree.QName(key).localname == "val"), "")


def _nary(element: Element, part: Part, _: Sequence[str]) -> str:
    sign = _value(element, "naryPr", "chr", "∫")
    return f"{sign}{subscript(part('sub'))}{superscript(part('sup'))} {part('e')}"


def _delimited(element: Element, _: Part, __: Sequence[str]) -> str:
    begin, end = _value(element, "dPr", "begChr", "("), _value(element, "dPr", "endChr", ")")
    inside = [_linear(child, 1).strip() for child in element.iterfind("{*}e")]
    return begin + _value(element, "dPr", "sepChr", "|").join(inside) + end


def _rows(element: Element, _: Part, __: Sequence[str]) -> str:
    """Rows of a matrix or of equations one below the other."""
    rows = [child for child in element if etree.QName(child).localname in ("mr", "mtr", "mlabeledtr", "e")]
    if all(etree.QName(row).localname == "e" for row in rows):
        return "; ".join(_linear(row, 1).strip() for row in rows)
    cells = (", ".join(_linear(cell, 1).strip() for cell in row) for row in rows)
    return f"[{'; '.join(cells)}]"


def _accent(element: Element, part: Part, _: Sequence[str]) -> str:
    return part("e") + _value(element, "accPr", "chr", "\u0302").strip()


def _fenced(element: Element, _: Part, children: Sequence[str]) -> str:
    separator = (element.get("separators", ",") or ",")[0]
    return f"{element.get('open', '(')}{separator.join(children)}{element.get('close', ')')}"


def _around(base: str, low: str, high: str) -> str:
    return base + (subscript(low) if low else "") + (superscript(high) if high else "")


def _over(base: str, above: str) -> str:
    """A letter with an accent, or what stands above a sign."""
    return base + (superscript(above) if base in "∑∏∫⋃⋂" else above)


_SHAPES: dict[str, Callable[[Element, Part, Sequence[str]], str]] = {
    "f": lambda _, part, __: _fraction(part("num"), part("den")),
    "sSup": lambda _, part, __: _around(_grouped(part("e")), "", part("sup")),
    "sSub": lambda _, part, __: _around(_grouped(part("e")), part("sub"), ""),
    "sSubSup": lambda _, part, __: _around(_grouped(part("e")), part("sub"), part("sup")),
    "sPre": lambda _, part, __: f"{subscript(part('sub'))}{superscript(part('sup'))}{part('e')}",
    "rad": lambda _, part, __: _root(part("deg"), part("e")),
    "nary": _nary,
    "d": _delimited,
    "func": lambda _, part, __: f"{part('fName')} {part('e')}",
    "limLow": lambda _, part, __: part("e") + subscript(part("lim")),
    "limUpp": lambda _, part, __: part("e") + superscript(part("lim")),
    "m": _rows,
    "eqArr": _rows,
    "acc": _accent,
    "mfrac": lambda _, part, __: _fraction(part(0), part(1)),
    "msup": lambda _, part, __: _around(_grouped(part(0)), "", part(1)),
    "msub": lambda _, part, __: _around(_grouped(part(0)), part(1), ""),
    "msubsup": lambda _, part, __: _around(_grouped(part(0)), part(1), part(2)),
    "munder": lambda _, part, __: part(0) + subscript(part(1)),
    "mover": lambda _, part, __: _over(part(0), part(1)),
    "munderover": lambda _, part, __: _around(part(0), part(1), part(2)) + " ",
    "msqrt": lambda _, __, children: f"√({''.join(children).strip()})",
    "mroot": lambda _, part, __: _root(part(1), part(0)),
    "mfenced": _fenced,
    "mtable": _rows,
    "semantics": lambda _, part, __: part(0),
}


def joined_runs(runs: Iterable[tuple[str, str]]) -> str:
    """Text from runs of ("sup" | "sub" | "strike" | "", text); neighbours of one kind belong together."""
    pieces: list[list[str]] = []
    for kind, text in runs:
        if pieces and pieces[-1][0] == kind:
            pieces[-1][1] += text
        elif text:
            pieces.append([kind, text])
    shapes: dict[str, Callable[[str], str]] = {"sup": superscript, "sub": subscript, "strike": struck}
    return "".join(shapes.get(kind, str)(text) for kind, text in pieces)


def struck(text: str) -> str:
    """Text that is struck out, marked as Markdown does, so that it is not taken for what holds."""
    bare = text.strip()
    return text.replace(bare, f"~~{bare}~~", 1) if bare else text
