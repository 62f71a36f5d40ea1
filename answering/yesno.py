"""Decides yes-or-no questions from the sentence or table row that is nearest to them, and words the verdict."""

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
_EXCEPT = re.compile(
    r"^(?P<rest>[\w' ]+?) other than (?P<who>[\w' ]+?) (?P<modal>may|can|must|shall|are|is) not (?P<what>.+?)[.]?$"
    r"|^(?:no ?one|nobody|none|no \w+) (?:except|but|other than) (?P<who2>[\w' ]+?) (?P<modal2>may|can|must|shall|is allowed to) (?P<what2>.+?)[.]?$"
    r"|^except(?: for)? (?P<who3>[\w' ]+?), (?:[\w' ]+?) (?P<modal3>may|can|must) not (?P<what3>.+?)[.]?$"
    r"|^only (?P<who4>[\w' ]+?) (?P<modal4>may|can|must|are allowed to|is allowed to) (?P<what4>.+?)[.]?$"
    r"|^(?P<rest5>[\w' ]+?) (?P<modal5>may|can|must) not (?P<what5>.+?) (?:unless they are|except|other than) (?P<who5>[\w' ]+?)[.]?$",
    re.IGNORECASE,
)
_EXCEPT_HAN = re.compile(
    r"^(?:除了?(?P<who>[^，,]+?)(?:以?外|之外)?[，,]\S{0,8}?(?:均|都|一律|概)?(?:不得|不能|不可以?)(?P<what>[^。]+))"
    r"|^(?:只有|仅限?)(?P<who2>[^，,才可能]+?)(?:才)?(?:可以|可|能|有权|方可)(?P<what2>[^。]+)"
)  # fmt: skip


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


def permitted(unit: Unit) -> str:
    """What a sentence that speaks by exception allows: "Employees other than managers may not approve" gives
    "Managers may approve"; "" for any other sentence."""
    found = _EXCEPT.match(unit.text.strip())
    if found:
        groups = found.groupdict()
        who = next(v for k, v in groups.items() if k.startswith("who") and v)
        what = next(v for k, v in groups.items() if k.startswith("what") and v)
        modal = next((v for k, v in groups.items() if k.startswith("modal") and v), "may")
        return f"{who[:1].upper()}{who[1:]} {modal} {what}."
    chinese = _EXCEPT_HAN.match(folded(unit.text).strip())
    if chinese:
        return f"{chinese['who'] or chinese['who2']}可以{chinese['what'] or chinese['what2']}。"
    return ""


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
