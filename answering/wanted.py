"""Whether a sentence or row holds a value of the kind that a question wants, such as an amount or a time."""

import re

from answering.evidence import Unit
from answering.quantities import quantities_in
from answering.question import Asked
from answering.wording import folded
from retrieval.context import holds_figure

_COUNTED = re.compile("(?:多少|几)([笔次张册本件台名位间座])")  # what is counted, by its measure word
_HOW_MANY = re.compile(
    r"\bhow many (?:[a-z-]+ )?([a-z-]+s)\b(?= (?:can|may|do|does|must|are|is|should|will)\b)"
)
_NUMBER_OF = (
    r"(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|no|unlimited))\b"
    r"(?: [a-z-]+){{0,2}} {noun}"
)
_WHEN = re.compile(
    r"\d|\b(?:when|if|once|after|before|until|daily|always|never|every|each|weekly|monthly|closed|midnight"
    r"|noon)\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bweekdays?\b|\bat (?:once|any)\b"
    r"|[日月年天时后前起周满]|营业|休息"
)
_TELEPHONE = re.compile(r"\d(?:[ ()/-]*\d){2,}")
_NO_FIGURE = re.compile(
    r"\b(?:free|none|nothing|never|not|cannot|declined|refused|unlimited|half|double|triple|at once"
    r"|immediately)\b"
    r"|免|无|不[^超少低足]|随时|即时|实时|当[天日场]|立即"
)


def holds_wanted(asked: Asked, unit: Unit) -> bool:
    """Whether a unit holds what is wanted, or denies it in a sentence."""
    text = folded(unit.text)
    if asked.currency:
        return any(q.dimension == asked.currency for q in quantities_in(unit.text))
    if asked.wants == "time" and not any(_WHEN.search(folded(v)) for v in _values(unit)):
        return False
    if not unit.cells and (number := _number_wanted(asked, text)):
        return bool(number.search(text)) or _denies(text)
    if asked.wants == "rate":
        is_rate = "percent" in {q.dimension for q in quantities_in(unit.text)}
        return (
            is_rate
            or bool(re.search(r"[%％]|百分|万分|\bfree\b|免", text))
            or not unit.cells
            and _denies(text)
        )
    if asked.wants == "telephone":
        return bool(_TELEPHONE.search(text)) or not unit.cells and _denies(text)
    return asked.wants not in ("amount", "count", "duration", "area") or is_figure(text)


def is_figure(value: str) -> bool:
    """Whether a text holds a number, or says that there is none: "free", "unlimited", 随时."""
    return holds_figure(folded(value)) or _denies(folded(value))


def _values(unit: Unit) -> list[str]:
    return [value for _, value in unit.cells[1:]] or [unit.text]


def _denies(text: str) -> bool:
    return bool(_NO_FIGURE.search(text))


def _number_wanted(asked: Asked, text: str) -> re.Pattern[str] | None:
    """How a number of the things asked for is written; None if the text need not have one.

    "How many lockers …?" is not answered by the number of something else beside lockers.
    """
    question = folded(asked.text)
    if counted := _COUNTED.search(question):
        return re.compile(rf"[\d一二三四五六七八九十百千万两]\s*{counted[1]}")
    noun = _HOW_MANY.search(question)
    if noun and noun[1].rstrip("s") in text:
        return re.compile(_NUMBER_OF.format(noun=re.escape(noun[1].rstrip("s"))))
    return None
