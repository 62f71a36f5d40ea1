"""Whether a question asks for a number, an amount or a date, and whether a text holds one."""

import re

_ASKS = re.compile(
    r"\bhow (?:many|much|long|old|far|large|big|tall|high|often|fast|soon)\b"
    r"|\b(?:when|year|date|percentage|age|amount|number of|rate|limit|fee|price|costs?)\b"
    r"|多少|几|何时|什么时候|哪一?年|哪天|多[久长大高远快]|比例|费|利率|时间",
    re.IGNORECASE,
)
_HOLDS = re.compile(
    r"\d|[一二三四五六七八九十百千万亿两]+[年月日个人名次元倍天%％]"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million"
    r"|billion|first|second|third|half|twice)\b",
    re.IGNORECASE,
)


def asks_for_figure(question: str) -> bool:
    """Whether the answer is likely to be a number, an amount or a date; in English or Chinese."""
    return bool(_ASKS.search(question))


def holds_figure(text: str) -> bool:
    """Whether a number stands in it, in digits or in words."""
    return bool(_HOLDS.search(text))
