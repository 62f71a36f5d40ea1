"""Makes a follow-up question complete from the conversation, and relative years absolute."""

import re
from collections.abc import Sequence
from datetime import date
from functools import partial

from answering.values import Turn
from retrieval.prompt import language_of

# A question that leans on the one before: it begins as a continuation, points back by a pronoun, or is
# an ellipsis. Rules rather than a model: a small one rewrites questions worse than it answers them.
_CONTINUES = re.compile(
    r"^(and|but|or|so|what about|how about|what of|same for|also)\b"
    r"|^(那么|那|还有|如果|以及|同样|换成)|呢[？?]?$",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\b(it|its|that|this|they|them|their|those|these|ones?|he|she|his|her|there)\b(?! (?:year|month|week))"
    r"|它|这个|那个|这张|那张|这种|那种|他们|她|该(?!行)|上述|前面|刚才",
    re.IGNORECASE,
)
_YEARS = (
    (re.compile(r"\bthis year('s)?\b(?! \()", re.IGNORECASE), 0, "{found} ({year})"),
    (re.compile(r"\blast year('s)?\b(?! \()", re.IGNORECASE), -1, "{found} ({year})"),
    (re.compile(r"\bnext year('s)?\b(?! \()", re.IGNORECASE), 1, "{found} ({year})"),
    (re.compile(r"(?:今年|本年度?)(?!度|（)"), 0, "{found}（{year}年）"),
    (re.compile(r"(?:去年|上一?年度?)(?!度|（)"), -1, "{found}（{year}年）"),
    (re.compile(r"明年(?!（)"), 1, "{found}（{year}年）"),
)
_SHORT = {"en": 4, "zh": 8}


def standalone(question: str, history: Sequence[Turn], today: date) -> str:
    """The question as it can be searched and read without the conversation.

    A follow-up gets the last question before it; "this year" gets the year, since documents name years.
    """
    complete = f"{history[-1].question.strip()} {question}" if history and leans_back(question) else question
    return with_years(complete, today)


def leans_back(question: str) -> bool:
    """Whether the question seems to need the one before it."""
    words = len(question) if language_of(question) == "zh" else len(question.split())
    return (
        words <= _SHORT[language_of(question)]
        or bool(_CONTINUES.search(question.strip()))
        or bool(_POINTS_BACK.search(question))
    )


def with_years(question: str, today: date) -> str:
    """Write the year behind "this year", "last year", 今年, 去年 and the like."""
    for pattern, offset, form in _YEARS:
        question = pattern.sub(partial(_with_year, form=form, year=today.year + offset), question)
    return question


def _with_year(match: re.Match[str], form: str, year: int) -> str:
    return form.format(found=match[0], year=year)
