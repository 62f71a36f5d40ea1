"""Decides yes-or-no questions from one sentence or cell: its negations, conditions, exceptions and figures."""

import re
from dataclasses import dataclass
from typing import Literal

from answering.evidence import Unit
from answering.quantities import Range, quantities_in, ranges_in, same_dimension
from answering.question import Asked
from answering.select import Candidate, Selection
from answering.tables import column_for, is_negative
from answering.wording import folded, terms_in

_SHARED = 2  # terms of a question that an exception must hold

Verdict = Literal["yes", "no", "advised against", ""]

_NEGATION = re.compile(
    r"\b(?:not|never|no|nobody|nothing|nor|neither|none|cannot|can't|don't|doesn't|isn't|aren't|won't|without|nowhere|excluded?"
    r"|forbidden|prohibited|refused?|declined?|impossible|ineligible)\b"
    r"|不(?!超过|少于|低于|高于|晚于|早于|大于|小于|得超过|得少于|得低于|同|仅|论|限|足|满|到|久|断|良|动|错|但|止)|(?<!是否)(?:不予|不能|不可以?|不予|不支持|不提供|不办理|不会|不收|不需要|不需|不必|不用|不计|不营业|不开放|不接受|不受理|不承担|不承诺|不适用|不具备"
    r"|不含|不享受|未|无需|无须|无权|没有|禁止|严禁|谢绝|免收|免除|拒绝|停止|暂停|暂不|均不|概不|不再|不是|不允许|不在|不向|不对|不与|不(?=[兑存存入计]))",
    re.IGNORECASE,
)
_FREE = re.compile(r"\bfree(?: of charge)?\b|\bno (?:charge|fee|cost)s?\b|\bwithout (?:a )?(?:charge|fee)|\bcosts? nothing\b|\bpays? nothing\b|\bwaived\b|\bnot charged\b"
                   r"|免费|免收|不收|免手续费|免年费|免违约金|不收取|不需要?(?:付|交)?费", re.IGNORECASE)  # fmt: skip
_COSTS = re.compile(
    r"\b(?:fees?|charges?d?|costs?|pay|penalty|price)\b|违约金|手续费|费用|收费|要钱|收钱|花钱|付费|要费|年费",
    re.IGNORECASE,
)
_FREE_ASKED = re.compile(
    r"\bfree\b|\bwaived?\b|\bwithout (?:a )?(?:fee|charge)|免费|免收|免年费|免掉|减免|不收", re.IGNORECASE
)
_ONLY = (
    re.compile(r"\bonly (?:in|at|on|for|from|to|by|with) ([^.,;]{2,60})", re.IGNORECASE),
    re.compile(r"\b(?:in|at|on|for|from|to|by|with) ([\w' ]{2,50}) only\b", re.IGNORECASE),
    re.compile(r"(?:仅限?|只(?:能|可|限)?)(?:在|由|对|向|限)([^，。；]{2,30})"),
)
_ADVISED = re.compile(
    r"\badvise against\b|\bnot recommended?\b|\badvised not\b|\bdiscourage|不建议|不推荐|不宜", re.IGNORECASE
)
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
_LATER = re.compile(r"^\s*(?:before that|until then|otherwise|之前|否则|未满)", re.IGNORECASE)


@dataclass(frozen=True)
class Decision:
    """A verdict and the unit that decides it."""

    verdict: Verdict
    unit: Unit


def decide(selection: Selection, candidates: list[Candidate]) -> Decision | None:
    """The verdict of the first of `candidates` that decides; None if none of them does."""
    for candidate in candidates:
        unit = candidate.unit
        verdict = _from_row(selection, unit) if unit.cells else _from_sentence(selection.asked, unit)
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
    asked = selection.asked
    column = column_for(selection, unit)
    if column is None or not (terms_in(column[0]) & set(selection.weights)):
        return ""
    name, value = column
    plain = folded(value)
    negative_asked = _asks_negative(asked)
    if is_negative(value) or re.match(r"^(?:no|not|不)", plain):
        return "yes" if negative_asked else "no"
    if re.match(r"^(?:yes|可|支持|有|是|能)|\bafter\b|后可以$", plain) or (asked.asks_may and "可" in plain):
        return "no" if negative_asked else "yes"
    if value_is_time(value) and re.search(r"\bopen\b|营业|开门", folded(asked.text)):
        return "yes"
    if _COSTS.search(asked.text):
        free = bool(_FREE.search(plain)) or bool(re.match(r"^0\s*(?:yuan|元)", plain))
        return ("yes" if free else "no") if _FREE_ASKED.search(asked.text) else ("no" if free else "yes")
    return _by_figure(asked, ranges_in(value), value)


def value_is_time(value: str) -> bool:
    """Whether a cell gives opening hours."""
    return any(q.dimension == "clock" for q in quantities_in(value)) or "24" in value


def _by_figure(asked: Asked, ranges: tuple[Range, ...], value: str) -> Verdict:
    for quantity in asked.quantities:
        if any(quantity.equals(other) for other in quantities_in(value)) and not ranges:
            return "yes"
        for one in ranges:
            if same_dimension(one.dimension, quantity.dimension):
                return "yes" if one.holds(quantity) else "no"
    return ""


def _from_sentence(asked: Asked, unit: Unit) -> Verdict:
    text = unit.text
    if _ADVISED.search(text):
        return "advised against"
    allowed = permitted(unit)
    if allowed and len(terms_in(allowed) & set(asked.terms)) >= _SHARED:
        who = terms_in(allowed.split(" may ")[0].split("可以")[0])
        return "yes" if who & set(asked.terms) else "no"
    only = next((found for pattern in _ONLY if (found := pattern.search(text))), None)
    if only and (verdict := _by_only(asked, only[1])):
        return verdict
    applies = _applies(asked, unit)
    if applies is None:
        return ""
    return _by_polarity(asked, text, applies)


def _by_only(asked: Asked, place: str) -> Verdict:
    """ "Only in building C" says no to building A and yes to building C."""
    limits = terms_in(place)
    words = {w for w in re.findall(r"\b[a-z0-9]+\b", folded(place))} | set(limits)
    asked_words = set(re.findall(r"\b[a-z0-9]+\b", folded(asked.text))) | set(asked.terms)
    named = words & asked_words
    if not named:
        return ""
    other = (words - asked_words) - {"the", "a", "an", "of", "in", "at", "and", "or"}
    return "no" if other and len(other) >= len(words) / 3 else "yes"


def _applies(asked: Asked, unit: Unit) -> bool | None:
    """Whether the condition of a sentence is met by the question's figures; None if it cannot be said."""
    ranges = ranges_in(unit.text)
    quantities = [q for q in asked.quantities if q.dimension != "clock"]
    if not quantities:
        return True
    compared = [
        one.holds(q) for q in quantities for one in ranges if same_dimension(one.dimension, q.dimension)
    ]
    if compared:
        return all(compared)
    if any(q.equals(other) for q in quantities for other in quantities_in(unit.text)):
        return True
    return None


def _by_polarity(asked: Asked, text: str, applies: bool) -> Verdict:
    plain = folded(text)
    if _COSTS.search(asked.text) and (_FREE.search(plain) or _COSTS.search(plain)):
        free = bool(_FREE.search(plain)) == applies
        return ("yes" if free else "no") if _FREE_ASKED.search(asked.text) else ("no" if free else "yes")
    negative = bool(_NEGATION.search(_main_clause(plain)))
    asserted = (not negative) == applies
    if _asks_negative(asked):
        asserted = not asserted
    return "yes" if asserted else "no"


def _main_clause(text: str) -> str:
    """The sentence without what is in brackets and without a condition in front."""
    bare = re.sub(r"[(（][^()（）]*[)）]", "", text)
    bare = re.sub(r"\b(?:no|not) (?:more|less|later|earlier|fewer|longer) than\b", "", bare)
    return re.sub(r"^(?:if|when|unless|once|until|after|before)\b[^,]*,\s*", "", bare)


def _asks_negative(asked: Asked) -> bool:
    plain = folded(asked.text)
    return bool(
        re.search(
            r"\b(?:closed|forbidden|prohibited|banned|excluded|impossible)\b|关门|停业|不营业吗|禁止|不能.*吗|不可以.*吗",
            plain,
        )
    )


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
    if re.search(r"营业|开门|开放", plain):
        return "营业。" if verdict == "yes" else "不营业。"
    forms = _YES_HAN if verdict == "yes" else _NO_HAN
    return next((form for word, form in forms if word in plain), "是的。" if verdict == "yes" else "不。")
