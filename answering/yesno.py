"""Decides yes-or-no questions by the nearest sentence or table row, and words the verdict."""

import re
from dataclasses import dataclass

from answering.evidence import Unit
from answering.polarity import COSTS, FREE, FREE_ASKED, Verdict, asks_negative, judge
from answering.quantities import quantities_in, ranges_in, same_dimension
from answering.question import Asked
from answering.selection import Candidate, Selection
from answering.tables import column_for, is_negative, tables_of, with_unit
from answering.wording import folded, held_terms

_OPEN = re.compile(r"\bopen\b|营业|开[门放吗]|上班")


@dataclass(frozen=True)
class Decision:
    """A verdict and the unit that decides it."""

    verdict: Verdict
    unit: Unit


def decide(selection: Selection, candidates: list[Candidate]) -> Decision | None:
    """The verdict of the first of `candidates` that decides; None if none of them does."""
    for candidate in candidates:
        unit = candidate.unit
        verdict = _from_row(selection, unit) if unit.cells else judge(selection.asked, unit.statement)
        if verdict:
            return Decision(verdict, unit)
    return None


def _from_row(selection: Selection, unit: Unit) -> Verdict:
    column = column_for(selection, unit)
    if column is None or not (held_terms(column[0]) & set(selection.weights)):
        return ""
    return (
        _by_figure(selection.asked, with_unit(*column))
        or _by_cell(selection.asked, column[1])
        or _by_category(selection, unit)
    )


def _by_cell(asked: Asked, value: str) -> Verdict:
    plain = folded(value)
    negative_asked = asks_negative(asked)
    if is_negative(value) or re.match(r"^(?:no|not|不)", plain):
        return "yes" if negative_asked else "no"
    if re.match(r"^(?:yes|可|支持|有|是|能)|\bafter\b|后可以$", plain) or (asked.asks_may and "可" in plain):
        return "no" if negative_asked else "yes"
    if value_is_time(value) and not asked.quantities and _OPEN.search(folded(asked.text)):
        return "yes"
    if COSTS.search(asked.text):
        free = bool(FREE.search(plain)) or bool(re.match(r"^0\s*(?:yuan|元)", plain))
        return ("yes" if free else "no") if FREE_ASKED.search(asked.text) else ("no" if free else "yes")
    return ""


def value_is_time(value: str) -> bool:
    """Whether a cell gives opening hours."""
    return any(q.dimension == "clock" for q in quantities_in(value)) or "24" in value


def _by_figure(asked: Asked, value: str) -> Verdict:
    """By a limit in the cell, or by whether its figure is the one that is asked about."""
    for quantity in asked.quantities:
        for one in ranges_in(value):
            if same_dimension(one.dimension, quantity.dimension):
                return "yes" if one.holds(quantity) else "no"
        for one in ranges_in(asked.text):
            held = [q for q in quantities_in(value) if same_dimension(q.dimension, one.dimension)]
            if held:
                return "yes" if one.holds(held[0]) else "no"
        compared = [
            other for other in quantities_in(value) if same_dimension(other.dimension, quantity.dimension)
        ]
        if compared:
            return "yes" if any(quantity.equals(other) for other in compared) else "no"
    return ""


def _by_category(selection: Selection, row: Unit) -> Verdict:
    """ "Is the water hard?" where the row says soft, and other rows of the column say hard."""
    asked = folded(selection.asked.text)
    rows = next((rows for rows in tables_of(selection) if row in rows), ())
    for name, value in row.cells[1:]:
        others = {folded(dict(other.cells).get(name, "")) for other in rows} - {folded(value), ""}
        if not held_terms(name) & set(selection.weights) or quantities_in(value):
            continue
        if folded(value) in asked:
            return "yes"
        if any(other in asked for other in others):
            return "no"
    return ""


_YES_HAN = (
    ("可以", "可以。"),
    ("能", "可以。"),
    ("需要", "需要。"),
    ("要", "需要。"),
    ("有", "有。"),
    ("会", "会。"),
    ("是", "是的。"),
)
_NO_HAN = (
    ("可以", "不可以。"),
    ("能", "不可以。"),
    ("需要", "不需要。"),
    ("要", "不需要。"),
    ("有", "没有。"),
    ("会", "不会。"),
    ("是", "不是。"),
)


def opening(asked: Asked, verdict: Verdict) -> str:
    """How an answer with this verdict begins."""
    if asked.language == "en":
        return {"yes": "Yes.", "no": "No.", "advised against": "Better not."}.get(verdict, "")
    if verdict == "advised against":
        return "不建议。"
    plain = folded(asked.text)
    if re.search("对[吗吧不]", plain):
        return "对。" if verdict == "yes" else "不对。"
    if re.search("营业|开门|开放", plain):
        return "营业。" if verdict == "yes" else "不营业。"
    forms = _YES_HAN if verdict == "yes" else _NO_HAN
    return next((form for word, form in forms if word in plain), "是的。" if verdict == "yes" else "不。")
