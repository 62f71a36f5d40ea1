"""Numbers, dates and times as a spreadsheet shows them: by format codes such as `#,##0.00;[Red]-#,##0.00`.

The codes are those of ECMA-376 part 1, 18.8.30 and 18.8.31. Rounding is half away from zero on fifteen
significant digits, as Excel does. Widths (`_x`, `*x`) are not text and become nothing.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from fractions import Fraction
from functools import lru_cache

BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: '"$"#,##0', 6: '"$"#,##0',
    7: '"$"#,##0.00',
    8: '"$"#,##0.00', 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "yyyy-mm-dd",
    15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 27: 'yyyy"年"m"月"', 28: 'm"月"d"日"', 29: 'm"月"d"日"', 30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"', 33: 'h"时"mm"分"ss"秒"',
    34: 'h"时"mm"分"', 35: 'h"时"mm"分"ss"秒"',
    36: 'yyyy"年"m"月"', 37: "#,##0;-#,##0", 38: "#,##0;-#,##0", 39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00", 41: '#,##0;-#,##0;"-"', 42: '"$"#,##0;-"$"#,##0;"-"',
    43: '#,##0.00;-#,##0.00;"-"',
    44: '"$"#,##0.00;-"$"#,##0.00;"-"', 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "##0.0E+0", 49: "@",
    50: 'yyyy"年"m"月"', 51: 'm"月"d"日"', 52: 'yyyy"年"m"月"', 53: 'm"月"d"日"', 54: 'm"月"d"日"',
    55: 'yyyy"年"m"月"', 56: 'm"月"d"日"', 57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[(?P<elapsed>h+|m+|s+)\]'
    r"|\[(?P<bracket>[^\]]*)\]|(?P<width>[_*].)|(?P<noon>AM/PM|A/P|上午/下午)|(?P<general>General)"
    r"|(?P<exponent>E[+-])|(?P<date>y+|m+|d+|h+|s+|a{3,4}|e+|b+|g+)|(?P<digit>[0#?]|\.|,|%|/|@)"
    r"|(?P<text>.)",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_CHINESE_DAYS = "一二三四五六日"
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
_LAST_SERIAL = 2_958_466  # the day after 9999-12-31
_SHORT_YEAR, _FULL_MONTH, _FIRST_LETTER = 2, 4, 5
_SIGNIFICANT = 15
_NAMED = 3  # letters from which months and days are names

Token = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Section:
    tokens: tuple[Token, ...]
    condition: tuple[str, Decimal] | None
    is_date: bool


def shown_number(value: float, code: str, *, since_1904: bool = False) -> str:
    """A number under a format code; where the code cannot be followed, the plain number."""
    number = _decimal(value)
    if number is None:
        return ""
    sections = _sections(code or "General")
    section, has_own_sign = _chosen(sections, number)
    if section is None or section.tokens and all(kind == "width" for kind, _ in section.tokens):
        return ""
    if section.is_date:
        return _date(value, section, since_1904=since_1904)
    try:
        return _number(abs(number) if has_own_sign else number, section.tokens)
    except (InvalidOperation, OverflowError, ValueError):
        return general(value)


def shown_text(text: str, code: str) -> str:
    """A text under a format code: a code with `@` may stand words around it."""
    sections = _sections(code) if "@" in code else ()
    for section in reversed(sections):
        if any(token == ("digit", "@") for token in section.tokens):
            return "".join(
                text if token == ("digit", "@") else token[1]
                for token in section.tokens
                if token[0] != "width"
            )
    return text


def is_date_code(code: str) -> bool:
    """Whether a format code shows dates or times."""
    return _sections(code or "General")[0].is_date


def general(value: float) -> str:
    """A number in the format General, with fifteen digits at the most."""
    return f"{value:.15g}".upper() if isinstance(value, float) else str(value)


def _decimal(value: float) -> Decimal | None:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        return None
    with localcontext() as context:
        context.prec = _SIGNIFICANT
        context.rounding = ROUND_HALF_UP
        return +number


@lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[_Section, ...]:
    tokens: list[list[Token]] = [[]]
    conditions: list[tuple[str, Decimal] | None] = [None]
    for found in _TOKEN.finditer(code[:500]):
        kind, text = found.lastgroup or "text", found.group(found.lastgroup or 0)
        if kind == "text" and text == ";":
            tokens.append([])
            conditions.append(None)
        elif kind == "bracket":
            if condition := _CONDITION.fullmatch(text.strip()):
                conditions[-1] = (condition.group(1), Decimal(condition.group(2)))
        else:
            tokens[-1].append(("text" if kind in ("quoted", "escaped", "currency") else kind, text))
    pairs = zip(tokens, conditions, strict=True)
    return tuple(_Section(_dated(part), condition, _is_date(part)) for part, condition in pairs)


def _is_date(tokens: Sequence[Token]) -> bool:
    return any(kind in ("date", "elapsed", "noon") for kind, _ in tokens) and not any(
        token in (("digit", "0"), ("digit", "#")) and not _after_seconds(tokens, place)
        for place, token in enumerate(tokens)
    )


def _after_seconds(tokens: Sequence[Token], place: int) -> bool:
    """Whether a 0 stands for tenths of seconds: `ss.00`."""
    while place and tokens[place][1] in ("0", "."):
        place -= 1
    return tokens[place][0] in ("date", "elapsed") and tokens[place][1][0] in "sS"


def _dated(tokens: list[Token]) -> tuple[Token, ...]:
    """Tokens with the m of minutes told from that of months: minutes stand after hours or before seconds."""
    places = [place for place, (kind, _) in enumerate(tokens) if kind in ("date", "elapsed")]
    for before, place, after in zip([None, *places], places, [*places[1:], None], strict=False):
        kind, text = tokens[place]
        if kind == "date" and text[0] in "mM":
            follows = before is not None and tokens[before][1][0] in "hH"
            precedes = after is not None and tokens[after][1][0] in "sS"
            if follows or precedes:
                tokens[place] = ("minute", text)
    return tuple(tokens)


_COMPARED: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
}


def _chosen(sections: Sequence[_Section], number: Decimal) -> tuple[_Section | None, bool]:
    """The section for a number, and whether that shows the sign itself."""
    for place, section in enumerate(sections):
        if section.condition and _COMPARED[section.condition[0]](number, section.condition[1]):
            return section, place > 0 and number < 0
    if any(section.condition for section in sections):
        free = [section for section in sections if section.condition is None]
        return (free[0] if free else sections[0]), False
    count = len(sections)
    if number < 0 and count > 1:
        return sections[1], True
    if number == 0 and count > 2:  # noqa: PLR2004 - positive; negative; zero; text
        return sections[2], True
    return sections[0], False


def _number(number: Decimal, tokens: Sequence[Token]) -> str:
    if any(kind == "exponent" for kind, _ in tokens):
        return _scientific(number, tokens)
    if any(token == ("digit", "/") for token in tokens) and any(token == ("digit", "?") for token in tokens):
        return _fraction(number, tokens)
    signs = [text for kind, text in tokens if kind == "digit"]
    if not any(sign in "0#?" for sign in signs):
        return _around(number, tokens)
    number *= Decimal(100) ** signs.count("%")
    number = number.scaleb(-3 * _scaling(tokens))
    shape = "".join(signs).replace("%", "").replace("/", "").replace("@", "")
    whole, _, decimals = shape.partition(".")
    decimals = decimals.replace(",", "").replace(".", "")
    with localcontext() as context:
        context.prec = 60
        rounded = number.quantize(Decimal(1).scaleb(-len(decimals)), rounding=ROUND_HALF_UP)
    sign, digits, fraction = _split(rounded, len(decimals))
    digits = digits.lstrip("0").rjust(whole.count("0"), "0")
    if "," in whole.rstrip(","):
        digits = _in_thousands(digits)
    optional = len(decimals) - len(decimals.rstrip("#?"))
    while optional and fraction.endswith("0"):
        fraction, optional = fraction[:-1], optional - 1
    text = digits + ("." + fraction if fraction else "")
    shown = _with_words(text, len(digits.replace(",", "")), tokens)
    return f"-{shown}" if sign and re.search(r"[1-9]", text) else shown


def _with_words(text: str, whole: int, tokens: Sequence[Token]) -> str:
    """Digits among the words of their code. Words between digits (000-0000) divide those."""
    places = [place for place, (kind, sign) in enumerate(tokens) if kind == "digit" and sign in "0#?.,"]
    first, last = places[0], places[-1]
    inner = [(kind, sign) for kind, sign in tokens[first : last + 1] if kind == "text"]
    if inner and "." not in text and "," not in text:
        text = _divided(text, whole, tokens[first : last + 1])
    before = [sign for kind, sign in tokens[:first] if kind == "text" or sign == "%"]
    after = [sign for kind, sign in tokens[last + 1 :] if kind == "text" or sign == "%"]
    return "".join((*before, text, *after)).strip()


def _divided(text: str, whole: int, tokens: Sequence[Token]) -> str:
    """Digits put into a code from its end: 5551234 in 000-0000 is 555-1234."""
    rest = list(text[:whole])
    out: list[str] = []
    for place in range(len(tokens) - 1, -1, -1):
        kind, sign = tokens[place]
        if kind == "text":
            out.append(sign)
        elif kind == "digit" and rest:
            out.append(rest.pop())
    return "".join(rest) + "".join(reversed(out))


def _around(number: Decimal, tokens: Sequence[Token]) -> str:
    """A section without digits: General, or words alone."""
    parts = []
    for kind, sign in tokens:
        if kind == "general" or (kind, sign) == ("digit", "@"):
            parts.append(general(float(number)))
        elif kind in ("text", "digit"):
            parts.append(sign)
    return "".join(parts)


def _scaling(tokens: Sequence[Token]) -> int:
    """Commas behind the last digit, each of which divides by a thousand."""
    digits = [text for kind, text in tokens if kind == "digit" and text in "0#?,."]
    behind = 0
    for sign in reversed(digits):
        if sign != ",":
            break
        behind += 1
    return behind


def _split(number: Decimal, decimals: int) -> tuple[bool, str, str]:
    text = f"{abs(number):f}"
    whole, _, fraction = text.partition(".")
    return number < 0, whole, fraction.ljust(decimals, "0")[:decimals]


def _in_thousands(digits: str) -> str:
    return re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", digits)


def _scientific(number: Decimal, tokens: Sequence[Token]) -> str:
    signs = "".join(text for kind, text in tokens if kind in ("digit", "exponent"))
    mantissa, _, exponent = re.split(r"(E[+-])", signs, maxsplit=1, flags=re.IGNORECASE)
    decimals = len(mantissa.partition(".")[2])
    shown = f"{number:.{decimals}E}"
    base, _, power = shown.partition("E")
    sign = "-" if power.startswith("-") else "+" if "+" in signs else ""
    return f"{base}E{sign}{power.lstrip('+-').rjust(len(exponent), '0')}"


def _fraction(number: Decimal, tokens: Sequence[Token]) -> str:
    signs = "".join(text for kind, text in tokens if kind == "digit")
    most = 10 ** max(signs.rpartition("/")[2].count("?"), 1) - 1
    whole, rest = divmod(abs(number), 1) if "#" in signs.partition("/")[0] else (Decimal(0), abs(number))
    part = Fraction(rest).limit_denominator(most)
    whole += part.numerator // part.denominator if part.denominator == 1 else 0
    pieces = [str(whole)] if whole or part.denominator == 1 else []
    pieces += [f"{part.numerator}/{part.denominator}"] if part.denominator > 1 else []
    return ("-" if number < 0 else "") + " ".join(pieces)


def _date(value: float, section: _Section, *, since_1904: bool) -> str:
    if not 0 <= value < _LAST_SERIAL:
        return general(value)
    finest = any(kind == "date" and text[0] in "sS" for kind, text in section.tokens)
    moment = (_EPOCH_1904 if since_1904 else _EPOCH) + timedelta(days=value)
    moment = _rounded(moment, tenths=("digit", ".") in section.tokens, seconds=finest)
    if value < 60 and not since_1904:  # noqa: PLR2004 - Excel counts a 29th of February 1900
        moment += timedelta(days=1 if value >= 1 else 0)
    halves = any(kind == "noon" for kind, _ in section.tokens)
    parts = [_date_part(token, moment, value, halves=halves) for token in section.tokens]
    return "".join(parts).strip()


def _rounded(moment: datetime, *, tenths: bool, seconds: bool) -> datetime:
    """To whole seconds, as serial numbers are a hair off; minutes are cut and not rounded."""
    if not tenths:
        moment += timedelta(microseconds=500_000 if seconds else 1_000)
        moment = moment.replace(microsecond=0)
    return moment


def _date_part(token: Token, moment: datetime, value: float, *, halves: bool) -> str:
    kind, text = token
    letter, length = text[:1].lower(), len(text)
    if kind == "elapsed":
        units = {"h": 24, "m": 1440, "s": 86400}[letter]
        return str(int(value * units + 1e-6)).rjust(length, "0")
    if kind == "minute":
        return str(moment.minute).rjust(min(length, 2), "0")
    if kind == "noon":
        early = moment.hour < 12  # noqa: PLR2004 - noon
        return text.split("/")[0 if early else 1]
    if kind == "date":
        return _calendar(letter, length, moment, halves=halves)
    if (kind, text) in (("digit", "0"), ("digit", "#")):
        return f"{moment.microsecond // 100_000}"
    return text if kind in ("text", "digit") else ""


def _calendar(letter: str, length: int, moment: datetime, *, halves: bool) -> str:
    if letter in "ye":
        return f"{moment.year % 100:02}" if length <= _SHORT_YEAR and letter == "y" else str(moment.year)
    if letter == "m" and length >= _NAMED:
        name = _MONTHS[moment.month - 1]
        return name if length == _FULL_MONTH else name[:1] if length >= _FIRST_LETTER else name[:3]
    if letter == "d" and length >= _NAMED:
        name = _DAYS[moment.weekday()]
        return name if length >= _FULL_MONTH else name[:3]
    if letter == "a":
        return ("星期" if length > _NAMED else "") + _CHINESE_DAYS[moment.weekday()]
    hour = (moment.hour % 12 or 12) if halves else moment.hour
    number = {"m": moment.month, "d": moment.day, "h": hour, "s": moment.second}.get(letter)
    return str(number).rjust(min(length, 2), "0") if number is not None else ""
