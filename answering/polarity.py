"""Says yes or no to a question from one sentence: from its negations, exceptions, limits and figures.

A sentence is cut into clauses. The clause that is most about the question decides; "except", "only" and their
like turn it over for those whom they name, and a figure outside a clause's limits turns it over as well.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from answering.quantities import Quantity, quantities_in, ranges_in, same_dimension
from answering.question import TAG, Asked
from answering.wording import folded, held_terms, subject_terms
from knowledge_base.characters import has_chinese

Verdict = Literal["yes", "no", "advised against", ""]

_NAMED = 0.5  # more than this share of an exception's words must name whom a question is about

_NEGATION = re.compile(
    r"\b(?:not|never|no|nobody|nothing|nor|neither|none|cannot|\w+n't|excluded?|forbidden|prohibited"
    r"|banned|refused?|declined?|impossible|ineligible|closed|shut|lapse)\b"
    r"|不(?![超少低高晚早大小]于|超过|得(?:超过|少于|低于|高于)|同|仅|论|限|足|满|到|久|断|良|但|止|过)"
    r"|(?<!是否)(?:未(?!满|成年)|无需|无须|无权|没有|禁止|严禁|谢绝|免收|免除|拒绝|暂停|休息|闭馆|停业)"
)
FREE = re.compile(
    r"\bfree\b|\bno (?:charge|fee|cost)s?\b|\bwithout (?:an?y? )?(?:charge|fee)|\b(?:costs?|pays?) nothing\b|\bwaived\b"
    r"|\bnot charged\b|免费|免收|不收|免手续费|免年费|免违约金|不需要?(?:付|交)?费"
)
COSTS = re.compile(
    r"\b(?:fees?|charged?|charges|costs?|pay|penalty|price)\b"
    r"|违约金|手续费|费用|收费|收取|要钱|收钱|花钱|付费|交钱|交费|要费|年费|[0-9]+元"
)
_COSTS_ASKED = re.compile(
    r"\b(?:fees?|charged?|costs?|penalty|(?:have|need) to pay|must (?:\w+ )?pay|pay for)\b"
    r"|违约金|收费|要钱|收钱|花钱|付费"
    r"|交钱|交费|要费|付利息|付钱"
)
FREE_ASKED = re.compile(
    r"\bfree\b|\bwaived?\b|\bwithout (?:an?y? )?(?:extra )?(?:fee|charge|cost|penalty)|免费|免收|免年费|免掉|减免|不收"
)
_NEGATIVE_ASKED = re.compile(
    r"\b(?:closed|shut|forbidden|prohibited|banned|excluded|impossible|not)\b|n't\b(?! (?:it|they|you)\?)"
    r"|关门|停业|闭馆|禁止|不能[^不]*吗|不可以[^不]*吗|不用|不需要|不必"
)
_ADVISED = re.compile(
    r"\badvise against\b|\bnot recommended?\b|\badvised not\b|\bdiscourage|不建议|不推荐|不宜"
)
_PERMITS = re.compile(r"\b(?:may|can|allowed|permitted|possible)\b|可以?|允许|最多|能")
_OBLIGES = re.compile(r"\b(?:must|ha(?:ve|s) to|needs? to|obliged|required)\b|必须|一定[要得]|非得?要?|只能")
_LETS = re.compile(r"\b(?:may|can|are free to)\b(?! not)|(?<!不)可以?(?!是)|任选")
_WITHOUT = re.compile(r"\bwithout (?:an? |any |the )?(?P<what>[\w-]+)")
_LACKING = re.compile(
    r"\bwithout (?:an? |any |the )?(?P<what>[\w-]+)|(?:没有|不经|未经|不用|可以不|能不)(?P<han>\w{2})"
)
# What one wants to do by oneself, and what others do for one.
_ALONE = re.compile(r"\b(?:alone|(?:by )?myself|on my own|unaccompanied)\b|自己|独自|一个人")
_BY_OTHERS = re.compile(
    r"\bguardian|\baccompan|\bon (?:his|her|their) behalf\b|\bwith a parent\b|\bby an adult\b|代办|代为|陪同|监护人"
)
_BY_MEANS = re.compile(r"\b(?:by|with|in) (?:an? )?(?P<means>[\w-]+)|[用以凭](?P<han>\w{2})")
_WEEKDAY = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|周[一二三四五六日]")
_CONDITION_ASKED = re.compile(
    r"^(?:in|on|during|for|if|when|at) (?:an? |the )?(?P<when>\w+)|^(?P<han>\w{2,4})"
)
_BOUNDS = re.compile(
    r"\b(?:of )?(?:up to|at least|at most|more than|less than|over|under|or (?:more|less|older))\b|以[上下内]"
)
_EXCEPT = (
    re.compile(r"\b(?:except(?: for)?|other than|with the exception of|excluding|unless(?: they are)?|but not|(?<=nobody )but"
               r"|(?<=no one )but)\s+(?P<whom>[^,.;]+?)(?= (?:may|can|must|shall|are|is|cannot|need|have|has)\b|[,.;]|$)", re.IGNORECASE),
    re.compile(r"除了?(?P<whom>[^，,。；]+?)(?:之外|以外|外)[，,]?"),
    re.compile(r"(?:^|[，,；])(?P<whom>[^，,。；]+?)(?:的)?除外"),
)  # fmt: skip
_ONLY_SUBJECT = (
    re.compile(r"\bonly (?P<whom>[\w' ]+?) (?:may|can|must|are|is)\b", re.IGNORECASE),
    re.compile(
        r"(?:仅限?|只(?:能|可|限|有|接待)?)(?:在|由|对|向|限|借给|提供给)?(?P<whom>[^，,。；才可能]{2,30})"
    ),
)
_ONLY = (
    re.compile(r"\bonly (?:by|for|to|with|from|in|at|on) (?P<whom>[^,.;]{2,60})"),
    re.compile(r"\b(?:by|for|to|with|from|in|at|on) (?P<whom>[\w' ]{2,50}?) only\b"),
    _ONLY_SUBJECT[0],
    re.compile(r"凭(?P<whom>[^,。]+?)(?:才|方)[可能]"),
    _ONLY_SUBJECT[1],
)
# What a rule forbids all but those whom it excepts, or allows only them.
_FORBIDS = re.compile(
    r"\b(?P<may>may|can|must|shall|are|is)(?: not|not) (?P<what>.+?)\.?$|(?:不得|不能|不可以?)(?P<han>[^。]+)"
)
_ALLOWS = re.compile(r"\b(?P<may>may|can|must|are|is) (?P<what>.+?)\.?$|(?:可以?|能|有权)(?P<han>[^。]+)")
_NOBODY = re.compile(r"\b(?:nobody|no \w+|none)\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[;。]|,(?!\d{3}(?!\d))|\.(?=\s|$)|\bbut\b|\band (?=(?:stays?|remains?|is|are)\b)|但是?|\botherwise\b|否则"
)
# Negations that deny nothing: a limit, and that there is none.
_LIMIT_PHRASES = re.compile(
    r"\b(?:no|not) (?:more|less|later|earlier|fewer|longer) than\b"
    r"|\bnot (?:limited|restricted|affected|bound)\b|不受[^，。；]{0,10}(?:限制|影响|约束)"
)
_CONDITION_AHEAD = re.compile(r"^(?:if|when|once|until|after|before)\b[^,]*,\s*")
_UNTIL = re.compile(r"^\s*(?:before that|until then|期满前|此前|之前|在此之前)")
_EVENING = re.compile(r"\b(?:in the (?:evening|afternoon)|at night|p\.?m\.?)|晚上|下午|傍晚|夜里")
_HALF_DAY = 12 * 60


@dataclass(frozen=True)
class _Clause:
    """A clause of a sentence with the words that a question can share with it."""

    text: str
    terms: frozenset[str]


def judge(asked: Asked, sentence: str) -> Verdict:
    """Whether `sentence` says yes or no to what is asked; "" if it does not decide."""
    text = _CONDITION_AHEAD.sub("", folded(sentence).strip())
    if _ADVISED.search(text):
        return "advised against"
    question = held_terms(asked.text) | frozenset(asked.terms)
    main, excepted = _exception(text, question, asked)
    limited = _only(main, question, asked)
    clause = _deciding(main, question, asked)
    if _claims_another_limit(asked, clause.text):
        return "no"
    applies = excepted or _within_limits(asked, clause.text, main)
    if applies is None:
        return ""
    if _UNTIL.match(clause.text):
        applies = not applies  # "before that …" is about whoever has not reached the limit
    holds = applies and not excepted
    if limited is not None:
        return "yes" if limited == holds else "no"
    return _said(asked, clause.text, holds, question)


def permitted(sentence: str) -> str:
    """What a sentence that speaks by exception allows; "" for any other sentence.

    "Employees other than managers may not approve" gives "Managers may approve."
    """
    text = folded(sentence).strip() if has_chinese(sentence) else sentence.strip()
    for pattern in (*_EXCEPT, *_ONLY_SUBJECT):
        named = pattern.search(text)
        if not named:
            continue
        ahead, behind = text[: named.start()], text[named.end("whom") :]
        if named[0].lower().startswith("unless"):
            behind = ahead
        rule = _ALLOWS if pattern in _ONLY_SUBJECT or _NOBODY.search(ahead) else _FORBIDS
        if said := rule.search(behind):
            whom = named["whom"].strip()
            return (
                f"{whom}可以{said['han']}。"
                if said["han"]
                else f"{whom[:1].upper()}{whom[1:]} {said['may']} {said['what'].strip()}."
            )
    return ""


def _exception(text: str, question: frozenset[str], asked: Asked) -> tuple[str, bool]:
    """A sentence without its exception, and whether the question is about what is excepted."""
    for pattern in _EXCEPT:
        if found := pattern.search(text):
            rest = f"{text[: found.start()]} {text[found.end() :]}".strip(" ,")
            asks_of_others = pattern.search(folded(asked.text)) is not None
            parts = re.split(r"\band\b|\bor\b|[、和及或]", found["whom"])
            return rest, not asks_of_others and any(_is_named(part, question, asked) for part in parts)
    return text, False


def _is_named(words: str, question: frozenset[str], asked: Asked) -> bool:
    """Whether the question names what an exception does, within the exception's own limit if it sets one."""
    terms = frozenset(Asked(_BOUNDS.sub(" ", words)).terms) or held_terms(words)
    shared = len(terms & question)
    if not terms or (shared < len(terms) and shared <= _NAMED * len(terms)):
        return False
    return all(
        limit.holds(quantity)
        for quantity in asked.quantities
        for limit in ranges_in(words)
        if same_dimension(limit.dimension, quantity.dimension)
    )


def _only(text: str, question: frozenset[str], asked: Asked) -> bool | None:
    """Whether the question is about those to whom a sentence limits something; None if it limits nothing."""
    for pattern in _ONLY:
        if found := pattern.search(text):
            if not held_terms(f"{text[: found.start()]} {text[found.end() :]}") & question:
                return None
            named = _is_named(found["whom"], question, asked)
            return named and not _LACKING.search(folded(asked.text))
    return None


def _deciding(text: str, question: frozenset[str], asked: Asked) -> _Clause:
    """Of several clauses with limits, the one that holds the question's figures; else the most about it."""
    clauses = list(_clauses(text))
    figures = _figures(asked)
    limits = [(clause, limit) for clause in clauses for limit in ranges_in(clause.text)]
    if len({id(clause) for clause, _ in limits}) > 1:
        for clause, limit in limits:
            if any(same_dimension(limit.dimension, q.dimension) and limit.holds(q) for q in figures):
                return clause

    opening_is_asked = next(iter(subject_terms(clauses[0].text)), "") in question if clauses else False
    found_means = _BY_MEANS.search(folded(asked.text))
    means = held_terms(found_means["means"] or found_means["han"]) if found_means else frozenset()

    day = _WEEKDAY.search(folded(asked.text))

    def about(clause: _Clause) -> float:
        shared = len(clause.terms & question)
        found = _CONDITION_ASKED.match(clause.text)
        when = (found["when"] or found["han"]) if found else ""
        is_condition = bool(when) and clause is not clauses[0] and bool(held_terms(when) & question)
        opens = next(iter(subject_terms(clause.text)), "")
        names = (opens in question) * (2.5 if clause is not clauses[0] and not opening_is_asked else 1.5)
        # A Chinese question ends with what it asks: 8千瓦的设备需要许可吗.
        is_asked = asked.language == "zh" and bool(asked.terms) and asked.terms[-1] in clause.terms
        return (
            shared / (len(clause.terms) or 1)
            + 0.3 * shared
            + 2 * is_condition
            + names
            + 2 * bool(means & clause.terms)
            + 4 * bool(day and day[0].removesuffix("s") in clause.text)
            + 1.5 * is_asked
        )

    return max(clauses, key=about)


def _clauses(text: str) -> Iterator[_Clause]:
    """The clauses of a sentence."""
    for part in _CLAUSE.split(text):
        if part.strip():
            yield _Clause(part.strip(), held_terms(part))


def _figures(asked: Asked) -> list[Quantity]:
    """The numbers of a question; a time of day in the evening counts from noon."""
    found = []
    for quantity in asked.quantities:
        near = folded(asked.text)[max(0, quantity.start - 4) : quantity.end + 18]
        if _EVENING.search(near) and quantity.value < _HALF_DAY and quantity.dimension in ("clock", ""):
            hours = quantity.value if quantity.dimension == "clock" else quantity.value * 60
            quantity = Quantity(hours + _HALF_DAY, "clock", quantity.start, quantity.end, quantity.text)  # noqa: PLW2901
        found.append(quantity)
    return found


def _within_limits(asked: Asked, clause: str, sentence: str) -> bool | None:
    """Whether the question's figures are within what a clause sets; None if they cannot be compared."""
    figures = _figures(asked)
    if not figures:
        return True
    for text in dict.fromkeys((clause, sentence)):
        limits = [*ranges_in(text)]
        compared = [
            limit.holds(q)
            for q in figures
            for limit in limits
            if same_dimension(limit.dimension, q.dimension)
        ]
        if compared:
            return all(compared)
        plain = [(q, other) for q in figures for other in quantities_in(text) if _comparable(q, other)]
        if plain:
            permits = bool(_PERMITS.search(sentence)) and not TAG.search(folded(asked.text))
            return all(q.value <= other.value if permits else q.equals(other) for q, other in plain)
    return None


def _claims_another_limit(asked: Asked, clause: str) -> bool:
    """Whether a question claims a limit, "within 5 days, right?", where the clause sets another one."""
    if not TAG.search(folded(asked.text)):
        return False
    claimed, limits = ranges_in(asked.text), ranges_in(clause)
    alike = [limit for limit in limits if any(limit.dimension == one.dimension for one in claimed)]
    return bool(alike) and not any(one == limit for one in claimed for limit in alike)


def _comparable(one: Quantity, other: Quantity) -> bool:
    return same_dimension(one.dimension, other.dimension)


def _said(asked: Asked, clause: str, holds: bool, question_terms: frozenset[str]) -> Verdict:
    """Yes or no from the polarity of a clause; what it says is turned over if it does not hold."""
    plain = _LIMIT_PHRASES.sub("", re.sub(r"[(（][^()（）]*[)）]", "", clause))
    question = folded(asked.text)
    free_asked = bool(FREE_ASKED.search(question))
    if (free_asked or _COSTS_ASKED.search(question)) and (FREE.search(plain) or COSTS.search(plain)):
        free = bool(FREE.search(plain)) == holds
        return "yes" if free == free_asked else "no"
    if _OBLIGES.search(question) and _LETS.search(plain) and not _OBLIGES.search(plain):
        return "no" if holds else "yes"  # what one may do, one need not do
    negations = len(_NEGATION.findall(plain))
    negations += bool(_ALONE.search(question) and _BY_OTHERS.search(plain))
    lacking = _WITHOUT.search(plain)
    if lacking and held_terms(lacking["what"]) & question_terms and not _LACKING.search(question):
        negations += 1
    positive = (negations % 2 == 0) == holds
    return "yes" if positive != (asks_negative(asked) or _asks_without(question, clause)) else "no"


def _asks_without(question: str, clause: str) -> bool:
    """Whether a question leaves out what the clause speaks of: "without announcing", 不通知."""
    found = _LACKING.search(question)
    if found is None:
        return False
    return bool(held_terms(found["what"] or found["han"]) & held_terms(clause))


def asks_negative(asked: Asked) -> bool:
    """Whether a question is put in the negative: "Is the branch closed?"."""
    plain = folded(asked.text)
    return bool(_NEGATIVE_ASKED.search(TAG.sub("", plain)))
