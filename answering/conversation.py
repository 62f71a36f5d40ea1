"""Makes a follow-up question complete from the conversation, and relative years absolute."""

import re
from collections.abc import Sequence
from datetime import date
from functools import partial

from answering.quantities import quantities_in, same_dimension
from answering.smalltalk import small_talk
from answering.values import Turn
from answering.wording import folded, subject_terms
from retrieval.prompt import language_of

# A follow-up that names one thing to put in the place of another: "And for a second home?", 那三类户呢.
_ELLIPSIS = re.compile(
    r"^(?:and|but|or|so|ok(?:ay)?)?[, ]*(?:what about|how about|what of|same (?:question )?for|and|also)?[, ]*"
    r"(?P<link>(?:for|in|on|at|with|of|to|from|by|if)\s+)?(?P<new>[^?？]+?)\s*(?:then|instead|as well|too)?[?？.!]*$",
    re.IGNORECASE,
)
_BEGINS_ELLIPSIS = re.compile(
    r"^(?:(?:and|but|or|ok(?:ay)?)\b[, ]*)?(?:what about|how about|what of|same (?:question )?for)\b"
    r"|^(?:and|or|but|also)\b(?!.*\b(?:do|does|did|is|are|was|were|can|could|may|must|should|will|would|have|has|how|what|which|when|where|who|why)\b)"
    r"|^(?:and )?(?:for|in|on|at|with) (?!.*\b(?:do|does|did|is|are|can|may|how|what|which|when|where|who)\b)",
    re.IGNORECASE,
)
_ELLIPSIS_HAN = re.compile(
    r"^(?:那么|那|还有|如果是|如果|换成|换作|要是)?[，,]?(?P<new>[^？?]{1,16}?)(?:的)?(?:呢|怎么样|又如何)[？?]?$"
)
_POINTS_BACK = re.compile(
    r"\b(?:it|its|this|they|them|their|those|these|ones|he|she|his|her)\b(?! (?:year|month|week|branch|bank))"
    r"|\bthat\b(?= (?:one|card|account|fee|case|loan|rule|document)|[?.!]*$)|\bthere\b(?=[?.!]*$)"
    r"|它|这个|那个|这张|那张|这种|那种|他们|该(?!行)|上述|前面|刚才",
    re.IGNORECASE,
)
_CONTINUES = re.compile(r"^(?:and|but|so|then)\b|^(?:那么|那|还有|以及|同样)", re.IGNORECASE)
_RELATIVE = r"this year|last year|next year|today|tomorrow|今年|去年|明年|前年|上一年"
_DAY = r"mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|weekends?|weekdays?|周[一二三四五六日末]|星期[一二三四五六日天]|工作日|节假日"
_KINDS = tuple(
    re.compile(rf"(?<![\w])(?:{words})(?![a-z])|(?:{words})", re.IGNORECASE)
    for words in (rf"(?:in )?(?:19|20)\d\d年?|{_RELATIVE}", rf"(?:on )?(?:{_DAY})")
)
_YEARS = (
    (re.compile(r"\bthis year('s)?\b(?! \()", re.IGNORECASE), 0, "{found} ({year})"),
    (re.compile(r"\blast year('s)?\b(?! \()", re.IGNORECASE), -1, "{found} ({year})"),
    (re.compile(r"\bnext year('s)?\b(?! \()", re.IGNORECASE), 1, "{found} ({year})"),
    (re.compile(r"(?:今年|本年度?)(?!度|（)"), 0, "{found}（{year}年）"),
    (re.compile(r"(?:去年|上一?年度?)(?!度|（)"), -1, "{found}（{year}年）"),
    (re.compile(r"明年(?!（)"), 1, "{found}（{year}年）"),
)
# What is asked of a thing, and is no thing itself.
_ATTRIBUTE = re.compile(
    r"\b(?:address|phone|telephone|number|price|cost|fee|rate|limit|term|hours|time|date|name|size|age|deposit|rent)s?$",
    re.IGNORECASE,
)
_ATTRIBUTE_HAN = re.compile(
    "(?:地址|电话|价格|价钱|费用|费|率|额度|限额|期限|时间|日期|名称|名字|大小|面积|押金|租金|材料|条件|要求)$"
)
_SHORT = {"en": 4, "zh": 6}
_HAN_BREAK = (
    r"[的是在和与吗呢，,。？?、]|多少|几[点天年个次张笔]|什么|怎么|如何|可以|能|要|有|今年|去年|明年|20\d\d年"
)
_PHRASE = r"(?:the |a |an |my |your |our |one )?(?:[\w'-]+ ){0,3}"


def standalone(question: str, history: Sequence[Turn], today: date) -> str:
    """The question as it can be searched and read without the conversation.

    A follow-up that names one thing takes the place of the like in the last question: "What about the gold
    card?" after a question on the platinum card. One that points back gets the last question before it.
    "This year" gets the year, since documents name years.
    """
    earlier = _last_complete(history)
    complete = _completed(question.strip(), earlier) if earlier else question
    return with_years(complete, today)


def leans_back(question: str) -> bool:
    """Whether the question seems to need the one before it."""
    return (
        not subject_terms(question)
        or bool(_new_part(question))
        or bool(_POINTS_BACK.search(question))
        or _is_fragment(question)
        or bool(_CONTINUES.search(question.strip()))
    )


def with_years(question: str, today: date) -> str:
    """Write the year behind "this year", "last year", 今年, 去年 and the like."""
    for pattern, offset, form in _YEARS:
        question = pattern.sub(partial(_with_year, form=form, year=today.year + offset), question)
    return question


def _with_year(match: re.Match[str], form: str, year: int) -> str:
    return form.format(found=match[0], year=year)


def _last_complete(history: Sequence[Turn]) -> str:
    """The last question, itself completed by those before it; "" if there was none but small talk."""
    complete = ""
    for turn in history:
        question = turn.question.strip()
        if question and not small_talk(question):
            complete = _completed(question, complete) if complete else question
    return complete


def _completed(question: str, earlier: str) -> str:
    new = _new_part(question)
    if new:
        return _replaced(new, earlier)
    if leans_back(question):
        return f"{earlier} {question}"
    return question


def _new_part(question: str) -> str:
    """What an elliptic follow-up names, "" where the question is not one."""
    plain = question.strip()
    if language_of(plain) == "zh":
        found = _ELLIPSIS_HAN.match(plain)
        return found["new"].strip() if found else ""
    if not _BEGINS_ELLIPSIS.match(plain) and not _is_fragment(plain):
        return ""
    found = _ELLIPSIS.match(plain)
    return found["new"].strip() if found else ""


def _is_fragment(question: str) -> bool:
    """Whether it is a word or two that say nothing alone: "Platinum?", "last year?"."""
    words = len(question) if language_of(question) == "zh" else len(question.split())
    named = [kind for kind in _KINDS if kind.search(question)]
    return (
        words <= _SHORT[language_of(question)]
        and (len(subject_terms(question)) <= 1 or bool(named))
        and not re.search(
            r"\b(?:is|are|do|does|can|how|what|when|where|who|why)\b|吗|怎么|如何|什么|多少|哪",
            question,
            re.IGNORECASE,
        )
    )


def _replaced(new: str, earlier: str) -> str:
    """`earlier` with `new` in the place of what is of its kind: a year, a day, a number, a thing."""
    kind = next((kind for kind in _KINDS if kind.fullmatch(new)), None)
    if kind is not None:
        return _with_time(re.sub(r"^(?:in|on) ", "", new), kind, earlier)
    number = _with_number(new, earlier)
    if number:
        return number
    return _with_thing_han(new, earlier) if language_of(earlier) == "zh" else _with_thing(new, earlier)


def _with_time(new: str, kind: re.Pattern[str], earlier: str) -> str:
    """A year or day takes the place of another, or is added."""
    found = kind.search(earlier)
    if found:
        kept = re.match(r"(?:in|on) ", found[0])
        return f"{earlier[: found.start()]}{kept[0] if kept else ''}{new}{earlier[found.end() :]}"
    if language_of(earlier) == "zh":
        return f"{new}{earlier}"
    return f"{earlier.rstrip('?. ')} {_link(new)}{new}?"


def _link(new: str) -> str:
    return "on " if re.match(_DAY, new, re.IGNORECASE) else "in " if re.match(r"\d{4}", new) else ""


def _with_number(new: str, earlier: str) -> str:
    """A number takes the place of the one of its dimension."""
    named, held = quantities_in(new), quantities_in(earlier)
    plain = folded(earlier)
    if len(named) != 1 or len(plain) != len(earlier):
        return ""
    for old in held:
        if old.dimension and same_dimension(old.dimension, named[0].dimension):
            return earlier[: old.start] + folded(new)[named[0].start : named[0].end] + earlier[old.end :]
    return ""


def _with_thing(new: str, earlier: str) -> str:
    """A phrase takes the place of the one with the same last word, else of the last one behind a preposition."""
    article = re.match(r"(?:the|a|an|my|your|our) ", new, re.IGNORECASE)
    head = re.escape(new.rsplit(maxsplit=1)[-1].rstrip("s"))
    same = list(
        re.finditer(
            rf"\b(?P<article>(?:the|a|an|my|your|our|one) )?(?P<words>(?:(?!(?:of|for|in|at|on|is|are|does|do|a|the)\b)[\w'-]+ ){{0,3}}){head}s?\b",
            earlier,
            re.IGNORECASE,
        )
    )
    if same and same[-1]["words"]:
        found = same[-1]
        placed = new if article or not found["article"] else f"{found['article']}{new}"
        return earlier[: found.start()] + placed + earlier[found.end() :]
    of_it = re.search(
        r"\b(?:what(?:'s| is| are)) (?P<thing>(?:the |my |your )?[\w' -]{2,40}?) (?:of|for|at) ",
        earlier,
        re.IGNORECASE,
    )
    if of_it and _ATTRIBUTE.search(new):
        return earlier[: of_it.start("thing")] + new + earlier[of_it.end("thing") :]
    objects = list(
        re.finditer(
            rf"\b(?:of|for|at|in|with) (?P<thing>{_PHRASE}[\w'-]+)(?=[?. ]*(?:$|\b(?:in|on|this|last|cost)\b))",
            earlier,
            re.IGNORECASE,
        )
    )
    if objects:
        found = objects[-1]
        kept = re.match(r"(?:the|a|an|my|your|our) ", found["thing"], re.IGNORECASE)
        named = _with_head(new, found["thing"])
        placed = named if article or not kept else f"{kept[0]}{named}"
        return earlier[: found.start("thing")] + placed + earlier[found.end("thing") :]
    subject = re.search(
        rf"\b(?:does|do|did|is|are) (?P<thing>{_PHRASE}[\w'-]+?)(?= (?:cost|have|give|take|open|close|need|\w+ed)\b)",
        earlier,
        re.IGNORECASE,
    )
    if subject:
        return (
            earlier[: subject.start("thing")]
            + _with_head(new, subject["thing"])
            + earlier[subject.end("thing") :]
        )
    return f"{earlier.rstrip('?. ')} for {new}?"


def _with_head(new: str, thing: str) -> str:
    """ "The silver one" in the place of "the gold card" is the silver card."""
    words = re.sub(r"^(?:the|a|an|my|your|our) ", "", thing, flags=re.IGNORECASE).split()
    return re.sub(r"\bones?$", " ".join(words[1:] or words), new)


def _with_thing_han(new: str, earlier: str) -> str:
    """A Chinese phrase takes the place of the one that ends alike: 三类户 that of 二类户."""
    if _ATTRIBUTE_HAN.search(new) and (
        asked := re.search(r"(?<=的)[^的，,？?]{1,8}?(?=是|有|要|多|几|[?？]|$)", earlier)
    ):
        return earlier[: asked.start()] + new + earlier[asked.end() :]
    parts = [part for part in re.split(f"({_HAN_BREAK})", earlier) if part]
    for size in (2, 1):
        tail = new[-size:]
        for number, part in enumerate(parts):
            place = part.rfind(tail)
            if len(new) > size and place > 0:
                parts[number] = new + part[place + size :]
                return "".join(parts)
    for number, part in enumerate(parts):
        if len(part) > 1 and not re.fullmatch(_HAN_BREAK, part):
            follows = parts[number + 1] if number + 1 < len(parts) else ""
            if follows == "的":
                parts[number] = new
                return "".join(parts)
    return f"{new}，{earlier}"
