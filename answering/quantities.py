"""Numbers with their units, in digits and in words, English and Chinese, and the ranges that sentences set."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from answering.wording import folded
from knowledge_base.characters import HAN

_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_ENGLISH = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | dict(
    zip(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
        range(20, 100, 10),
        strict=True,
    )
)
_ORDINALS = {
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
}
# Each unit: its dimension and what one of it is in the dimension's base unit.
_UNITS: dict[str, tuple[str, float]] = {}
for _dimension, _factor, _words in (
    ("time", 365.0, "years year yrs yr 周年 年期 年"),
    ("time", 365 / 12, "months month 个月 月"),
    ("time", 7.0, "weeks week 周 星期"),
    ("time", 1.0, "days day 天 日"),
    ("time", 1 / 24, "hours hour hrs 小时"),
    ("time", 1 / 1440, "minutes minute mins min 分钟"),
    ("yuan", 1.0, "yuan rmb cny 元 块 块钱 人民币"),
    ("dollar", 1.0, "dollars dollar usd 美元 美金"),
    ("euro", 1.0, "euros euro eur 欧元"),
    ("pound", 1.0, "pounds pound gbp 英镑"),
    ("percent", 1.0, "% percent 个百分点"),
    ("length", 1.0, "km kilometres kilometers 公里 千米"),
    ("length", 0.001, "metres meters metre meter m 米"),
    ("area", 1.0, "m2 平方米"),
    ("weight", 1.0, "kg kilograms kilos 公斤 千克"),
    ("weight", 1000.0, "tonnes tons 吨"),
    ("age", 1.0, "周岁 岁"),
    (
        "count",
        1.0,
        "times purchases visits points copies pieces people persons boxes cards 次 笔 个 张 份 人 件 名 台 户 倍 期 册 本 晚",
    ),
):
    for _word in _words.split():
        _UNITS[_word] = (_dimension, _factor)
for _word in ("working days", "working day", "business days", "business day", "个工作日", "工作日"):
    _UNITS[_word] = ("time", 1.0)
for _word in ("square metres", "square meters"):
    _UNITS[_word] = ("area", 1.0)
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_HAN_NUMBER = "[零〇一二两三四五六七八九十百千]"
_NUMBER = re.compile(
    rf"(?P<clock>\d{{1,2}}[:：]\d{{2}})"
    rf"|(?P<currency>[$€£¥])?(?P<digits>\d+(?:,\d{{3}})*(?:\.\d+)?)(?:\s*(?P<scale>万|亿|千|million|thousand|k\b))?"
    rf"(?:\s*-?\s*(?P<unit>(?:{_UNIT})(?![a-z])))?"
    rf"|百分之(?P<share>{_HAN_NUMBER}+(?:点{_HAN_NUMBER}+)?)"
    rf"|(?P<han>{_HAN_NUMBER}+(?:[万亿]{_HAN_NUMBER}*)*)(?:点(?P<tenths>[零一二三四五六七八九]+))?"
    rf"\s*(?P<hanunit>{_UNIT})?"
    rf"|\b(?P<word>{'|'.join((*_ENGLISH, *_ORDINALS))})\b(?:[- ](?P<ones>{'|'.join(list(_ENGLISH)[1:10])})\b)?"
    rf"(?:\s+(?P<wordscale>hundred|thousand)(?:\s+(?:and\s+)?(?P<rest>{'|'.join(_ENGLISH)})\b(?:[- ](?P<restones>{'|'.join(list(_ENGLISH)[1:10])})\b)?)?)?(?:[\s-]+(?P<wordunit>(?:{_UNIT})(?![a-z])))?"
)
_CLOCK_HAN = re.compile(rf"({_HAN_NUMBER}+|\d{{1,2}})[点點时](?:(半)|({_HAN_NUMBER}+|\d{{1,2}})分?)?")
_DIGIT_SCALES = {"万": 1e4, "亿": 1e8, "千": 1e3, "thousand": 1e3, "million": 1e6, "k": 1e3}
_CURRENCY_SIGNS = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yuan"}
_DATE = re.compile(
    r"(?:(?:19|20)\d\d年)?\d{1,2}月(?:\d{1,2}[日号])?|(?:19|20)\d\d-\d\d-\d\d"
    r"|(?<!under )(?<!over )(?<!aged )(?<!than )(?<!least )\d{1,2}(?:st|nd|rd|th)?(?: of)? (?:january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december) \d{1,2}\b"
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_ABOVE = re.compile(
    r"(?:more than|above|over|at least|no less than|not less than|from|after|once .{0,25}\bfor|longer than|older than|exceed\w*"
    r"|超过|(?:至|最)少[\u4e00-\u9fff]{0,2}|不少于|不低于|高于|大于|满|年满|起)\s*(?:the )?(?:age of )?$"
)
_ABOVE_BEHIND = re.compile(
    r"^\s*(?:or more|and above|and over|or over|or older|or above|and older|\(?含\)?以上|及以上|以上|以后|后|起)"
)
_BELOW = re.compile(
    r"(?:less than|below|under|up to|at most|no more than|not more than|within|before|until|not exceed|never more than|maximum of"
    r"|younger than|不超过|不得超过|最多|最高|低于|少于|不足|不满|未满|小于|不到|至多|the first|(?<![以之提])前)\s*(?:the )?(?:age of )?$"
)
_BELOW_BEHIND = re.compile(
    r"^\s*(?:or less|or fewer|or under|and under|or younger|(?:\(含\))?以下|以内|之内|内|之前|前)"
)
_AHEAD = re.compile(r"^\s*(?:before|in advance|ahead|prior)\b")
_BETWEEN = re.compile(r"^\s*(?:to|and|-|–|—|~|至|到)\s*$")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the base unit of its dimension ("time" in days, "" where it has no unit), with its place.

    `number` is the number as it is written, before its unit.
    """

    value: float
    dimension: str
    start: int
    end: int
    text: str
    number: float = 0.0

    def equals(self, other: "Quantity") -> bool:
        """Whether both are the same; a bare number equals the same number of any unit."""
        if not self.dimension or not other.dimension:
            return self.number == other.number
        return same_dimension(self.dimension, other.dimension) and abs(self.value - other.value) < 1e-6 * max(
            1.0, abs(self.value)
        )


@dataclass(frozen=True, slots=True)
class Range:
    """The values from `low` to `high` of a dimension that a text sets as a condition."""

    low: float
    high: float
    dimension: str

    def holds(self, quantity: Quantity) -> bool:
        """Whether a quantity is inside."""
        return self.low <= quantity.value <= self.high


@lru_cache(maxsize=5_000)
def quantities_in(text: str) -> tuple[Quantity, ...]:
    """All numbers of a text but the years of calendars, in order; places are those of the folded text."""
    return tuple(_found(folded(text)))


def years_in(text: str) -> frozenset[str]:
    """The years of the calendar that a text names, as four digits."""
    return frozenset(_YEAR.findall(folded(text)))


def ranges_in(text: str) -> tuple[Range, ...]:
    """The ranges that a text sets: "above 600", "18 to 65", 3年以上, 不超过5万元."""
    plain, found = folded(text), quantities_in(text)
    ranges: list[Range] = []
    skip = False
    for number, one in enumerate(found):
        after = found[number + 1] if number + 1 < len(found) else None
        if skip:
            skip = False
        elif after and _BETWEEN.match(plain[one.end : after.start]) and _agree(one, after):
            both = one if not after.dimension else after
            bare = not one.dimension and after.dimension != "age"
            low = one.value * _scale_of(after) if bare else one.value
            ranges.append(Range(min(low, after.value), max(low, after.value), both.dimension))
            skip = True
        else:
            ranges += _bound(plain, one)
    return tuple(ranges)


def same_dimension(one: str, other: str) -> bool:
    """Whether numbers of two dimensions can be compared; a bare number goes with counts and ages."""
    loose = {"", "count", "age"}
    years = {"age", "time"}
    return one == other or {one, other} <= loose or {one, other} == years


def _bound(text: str, one: Quantity) -> Iterator[Range]:
    before, behind = text[max(0, one.start - 40) : one.start], text[one.end : one.end + 12]
    infinite = float("inf")
    is_notice = _AHEAD.match(behind) or before.endswith("提前")  # "24 hours before" is that or earlier
    if is_notice or _ABOVE_BEHIND.match(behind):
        yield Range(one.value, infinite, one.dimension)
    elif _BELOW.search(before) or _BELOW_BEHIND.match(behind):
        yield Range(-infinite, one.value, one.dimension)
    elif _ABOVE.search(before):
        yield Range(one.value, infinite, one.dimension)


def _agree(one: Quantity, other: Quantity) -> bool:
    return not one.dimension or not other.dimension or one.dimension == other.dimension


def _scale_of(quantity: Quantity) -> float:
    """What one of a quantity's written unit is in its base unit."""
    unit = re.search(rf"({_UNIT})$", quantity.text)
    return _UNITS[unit[1]][1] if unit else 1.0


def _found(text: str) -> Iterator[Quantity]:
    clocks = [match for match in _CLOCK_HAN.finditer(text) if "百分" not in text[: match.start()][-4:]]
    taken = [match.span() for match in (*clocks, *_DATE.finditer(text))]
    for match in clocks:
        minutes = 30 if match[2] else _whole(match[3]) if match[3] else 0
        yield Quantity(_whole(match[1]) * 60 + minutes, "clock", *match.span(), match[0])
    for match in _NUMBER.finditer(text):
        if any(start <= match.start() < end for start, end in taken) or not match[0].strip():
            continue
        found = _quantity(match, text)
        if found:
            yield found


def _quantity(match: re.Match[str], text: str) -> Quantity | None:
    found = _read(match)
    if found and found.dimension in ("", "time") and _is_age(text, match):
        years = found.value / 365 if found.dimension else found.value
        return Quantity(years, "age", found.start, found.end, found.text, years)
    return found


def _is_age(text: str, match: re.Match[str]) -> bool:
    before, behind = text[: match.start()], text[match.end() :]
    return bool(re.search(r"\bage[ds]?(?: of)? (?:(?:over|under|above|below|between) )?$", before)) or bool(
        re.match(r"\s*(?:years? old|years? of age|-year-old)|[\s-]*old\b|\s+of age", behind)
    )


def _read(match: re.Match[str]) -> Quantity | None:
    place = (*match.span(), match[0])
    if match["clock"]:
        hours, minutes = re.split("[:：]", match["clock"])
        return Quantity(int(hours) * 60 + int(minutes), "clock", *place)
    if match["share"]:
        return _in_unit(_decimal(match["share"]), "percent", place)
    if match["digits"]:
        return _in_digits(match, place)
    return _in_han(match, place) if match["han"] else _in_words(match, place)


def _in_digits(match: re.Match[str], place: tuple[int, int, str]) -> Quantity | None:
    bare = not match["unit"] and not match["scale"]
    if (bare or match["unit"] == "年") and _YEAR.fullmatch(match["digits"]):
        return None
    value = float(match["digits"].replace(",", "")) * _DIGIT_SCALES.get(match["scale"] or "", 1.0)
    return _in_unit(value, match["unit"] or _CURRENCY_SIGNS.get(match["currency"] or ""), place)


def _in_han(match: re.Match[str], place: tuple[int, int, str]) -> Quantity | None:
    """A Chinese number; 一 and 两 alone are parts of words, and 一年 is how often, but 一年期 a term."""
    unit, han, tenths = match["hanunit"], match["han"], match["tenths"]
    often = han == "一" and unit != "年期" and match.string[match.end() :][:1] not in ("期", "定")
    if len(han) == 1 and not tenths and (not unit or often):
        return None
    return _in_unit(float(_whole(han)) + float(f"0.{_spelled(tenths or '零')}"), unit, place)


def _in_words(match: re.Match[str], place: tuple[int, int, str]) -> Quantity | None:
    """An English number in words."""
    value = float(
        _ENGLISH.get(match["word"], _ORDINALS.get(match["word"], 0))
        + _ENGLISH.get(match["ones"] or "zero", 0)
    )
    if match["word"] in ("one", "second", "third", "zero") and not match["wordunit"]:
        return None  # a pronoun or an ordinal
    value *= {"hundred": 100, "thousand": 1000}.get(match["wordscale"] or "", 1)
    value += _ENGLISH[match["rest"] or "zero"] + _ENGLISH[match["restones"] or "zero"]
    return _in_unit(value, match["wordunit"], place)


def _in_unit(value: float, unit: str | None, place: tuple[int, int, str]) -> Quantity:
    dimension, factor = _UNITS.get(unit or "", ("", 1.0))
    return Quantity(value * factor, dimension, *place, value)


def _spelled(digits: str) -> str:
    return "".join(str(_DIGITS[digit]) for digit in digits)


def _decimal(text: str) -> float:
    whole, _, tenths = text.partition("点")
    return float(f"{_whole(whole)}.{_spelled(tenths) or 0}")


def _whole(text: str) -> int:
    """The value of a whole Chinese number, or of digits."""
    if text.isdigit() and text.isascii():
        return int(text)
    for sign, factor in (("亿", 10**8), ("万", 10**4)):
        if sign in text:
            high, _, low = text.partition(sign)
            rest = _whole(low) if low else 0
            # 三万二 is 32,000: a last digit without its scale takes the next one.
            rest = rest * factor // 10 if len(low) == 1 and low in _DIGITS else rest
            return _whole(high or "一") * factor + rest
    total, digit = 0, 0
    for character in text:
        if character in _SCALES:
            total += (digit or 1) * _SCALES[character]
            digit = 0
        elif character in _DIGITS:
            digit = digit * 10 + _DIGITS[character] if digit and not total else _DIGITS[character]
    return total + digit


def value_of(text: str) -> float | None:
    """The first number of a table cell; None where it holds none. "Free" and 免费 are 0."""
    if re.match(rf"^\s*(?:free|none|nothing|no charge|免费|免收|无|0)(?![{HAN}\w])", folded(text)):
        return 0.0
    found = quantities_in(text)
    return found[0].value if found else None
