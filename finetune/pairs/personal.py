"""Finds personal data in a text: numbers of identity cards, bank cards and telephones, e-mail addresses.

Where a number has a check digit it is computed, so that amounts, dates and order numbers are not taken for
personal data. What an organisation publishes is not personal: its hotlines, landlines of mainland
China, toll-free numbers and addresses such as privacy@….
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from stdnum import iban, luhn
from stdnum.cn import ric
from stdnum.us import ssn

from retrieval.prompt import Language, language_of

Kind = Literal[
    "e-mail address", "IBAN", "identity card", "card number", "phone number", "social security number"
]

_MASKS: dict[Kind, dict[Language, str]] = {
    "e-mail address": {"en": "[e-mail address]", "zh": "[电子邮箱]"},
    "IBAN": {"en": "[IBAN]", "zh": "[国际银行账号]"},
    "identity card": {"en": "[identity card number]", "zh": "[身份证号]"},
    "card number": {"en": "[card number]", "zh": "[银行卡号]"},
    "phone number": {"en": "[phone number]", "zh": "[电话号码]"},
    "social security number": {"en": "[social security number]", "zh": "[社会保障号]"},
}

KINDS = tuple(_MASKS)

# Full-width forms and the many dashes and spaces, each to the one character that the patterns know.
_FOLDED = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_FOLDED.update(dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), ord("-")))
_FOLDED.update(dict.fromkeys(map(ord, "\u3000\xa0\u2002\u2003\u2009\u202f"), ord(" ")))

_ALONE = r"(?<![0-9A-Za-z])(?<!\d[.-])(?:{})(?![0-9A-Za-z])(?!\.\d)"
_NO_AMOUNT = r"(?<![$€£¥￥])(?<![$€£¥￥] ){}(?! ?(?:元|万|亿|圆|%|％|yuan|CNY|RMB|USD|EUR))"
_EMAIL = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}"
_IBAN = r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"
_IDENTITY = r"\d{6}([ -]?)\d{8}\1\d{3}[0-9Xx]"
_CARD = (
    r"(?=[2-6])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}(?:\1\d{1,3})?|\d{4}([ -])\d{6}\2\d{5}|"
    r"\d{6}[ -]\d{10,13})"
)
_ISSUED = re.compile(r"4|5[0-8]|6|3[0-9]|2[2-7]")
_MOBILE = r"(?:\(?(?:\+|00)86\)?[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}"
_ABROAD = r"(?:\+|00(?=[1-9]\d{0,2}[ -]))[1-9]\d{0,3}(?:[ -]?(?:\(\d{1,5}\)|\d{1,12})){1,7}"
_SSN = r"\d{3}-\d\d-\d{4}"
# The mainland's landlines and hotlines, and numbers that the one who is called pays for.
_PUBLIC_NUMBER = re.compile(
    r"86|800|18(?:00|33|44|55|66|77|88)|(?:7|[2-9]\d)800|(?:2[1-9]|35|37|38|42|5[09]|67|69|85|88|9[679])\d800"
)
_DIGITS = (8, 15)  # of a number with its country code (ITU-T E.164)

# Mailboxes of an organisation rather than of a person (RFC 2142, and what is usual beside it).
_ROLE_NAMES = """
abuse access accessibility accounts admin administrator all antifraud app billing branch branches bank
card cards care careers clients complaint complaints compliance contact customer customercare customers
customerservice deposits desk donotreply dpo enquiries enquiry facilities feedback finance fraud hello help
helpdesk hostmaster hotline hr info information inquiries inquiry investors invoices it jobs kefu legal
loans mail marketing media news newsletter noc noreply office operations ops phishing post postmaster pr
press privacy recruitment report retail root sales security service services staff support team webmaster
"""
_ROLES = frozenset(_ROLE_NAMES.split())
_SERVICE_DIGITS = re.compile(r"9[56]\d{3,4}|1(?:00|2)\d{2,3}")


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data at `text[start:end]`."""

    kind: Kind
    start: int
    end: int


def find_personal(text: str, public: Sequence[str] = ()) -> tuple[Found, ...]:
    """All personal data in `text`, in order, without overlaps.

    E-mail addresses, IBANs, Chinese identity-card numbers, card numbers, mobile numbers of mainland China
    and international numbers, US social security numbers; what can be read in two ways is the earlier one.
    What ends as an entry of `public` is left out: a number that everybody may know, or "@" and a domain.
    """
    left = text.translate(_FOLDED)
    found: list[Found] = []
    before = -1
    while len(found) > before:  # again, since a number may stand alone once its neighbour is taken away
        before = len(found)
        for kind, pattern, is_personal in _SEARCHES:
            spans = list(_spans(left, pattern, is_personal))
            found += [Found(kind, start, end) for start, end in spans]
            left = _blanked(left, spans)
    kept = [entry for entry in found if not text[entry.start : entry.end].endswith(tuple(public))]
    return tuple(sorted(kept, key=lambda entry: entry.start))


def name_of(kind: Kind, language: Language) -> str:
    """What a kind of personal data is called."""
    return _MASKS[kind][language].strip("[]")


def mask_personal(text: str, public: Sequence[str] = ()) -> str:
    """`text` with its personal data replaced by what it was, in the language of the text."""
    language = language_of(text)
    pieces, last = [], 0
    for entry in find_personal(text, public):
        pieces += [text[last : entry.start], _MASKS[entry.kind][language]]
        last = entry.end
    return "".join([*pieces, text[last:]])


def _spans(
    text: str, pattern: re.Pattern[str], is_personal: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    """Where the pattern is and the check agrees; if need be without the last words of a match."""
    at = 0
    while match := pattern.search(text, at):
        at = match.start() + 1
        end: int = match.end()
        while match is not None and not is_personal(match.group()):
            end = text.rfind(" ", match.start(), end)
            match = pattern.match(text, match.start(), end) if end > 0 else None
        if match is not None:
            yield match.span()
            at = match.end()


def _blanked(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, last = [], 0
    for start, end in spans:
        pieces += [text[last:start], "\0" * (end - start)]
        last = end
    return "".join([*pieces, text[last:]])


def _is_persons_address(address: str) -> bool:
    name = address.partition("@")[0].lower()
    first = re.split(r"[._+-]", name)[0]
    return not ({name, first, name.replace("-", "")} & _ROLES or _SERVICE_DIGITS.fullmatch(name))


def _joined(number: str) -> str:
    return number.replace(" ", "").replace("-", "")


def _is_identity(number: str) -> bool:
    return ric.is_valid(_joined(number))


def _is_iban(number: str) -> bool:
    # Without the rules of single countries, which know only the banks of today.
    return iban.is_valid(number, check_country=False)


def _is_card(number: str) -> bool:
    return bool(_ISSUED.match(number)) and luhn.is_valid(_joined(number))


def _is_abroad(number: str) -> bool:
    digits = re.sub(r"\D", "", number.removeprefix("00"))
    return _DIGITS[0] <= len(digits) <= _DIGITS[1] and not _PUBLIC_NUMBER.match(digits)


def _always(number: str) -> bool:
    return bool(number)


_SEARCHES: tuple[tuple[Kind, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("e-mail address", re.compile(_EMAIL), _is_persons_address),
    ("IBAN", re.compile(_ALONE.format(_IBAN)), _is_iban),
    ("identity card", re.compile(_ALONE.format(_IDENTITY)), _is_identity),
    ("card number", re.compile(_ALONE.format(_CARD)), _is_card),
    ("phone number", re.compile(_NO_AMOUNT.format(_ALONE.format(_MOBILE))), _always),
    ("phone number", re.compile(_NO_AMOUNT.format(_ALONE.format(_ABROAD))), _is_abroad),
    ("social security number", re.compile(_ALONE.format(_SSN)), ssn.is_valid),
)
