"""Bytes to text: byte order marks, UTF-8, UTF-16, GB18030, and a guess for the rest."""

import codecs
import re

from charset_normalizer import from_bytes

from knowledge_base.errors import LoadError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_DOUBLE_BYTES = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x80-\xff]")
# GB 2312 punctuation, digits and letters (rows 1-3) and its 3,755 common characters (rows 16-55).
_COMMON_CHINESE = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]")
# Pairs of GB18030 bytes can be valid UTF-8, e.g. 通知; then they give marks, Hebrew, Arabic and the like.
_ODD_LETTER = re.compile("[\u0250-\u036f\u0530-\u07ff]")
_FAR_LETTER = re.compile("[\u0800-\U0010ffff]")
_SHORT = 60
_MOST_CONTROLS = 0.02
_MOST_DAMAGE = 0.05
_LEAST_COMMON = 0.7
_SAMPLE = 200_000


def decode(data: bytes, declared: str = "") -> str:
    """The text of `data`, with newlines as "\\n".

    A byte order mark decides, then `declared` (what the file says of itself) if it fits, then what the bytes
    can be. GB18030 is looked at before asking charset-normalizer, which takes short Chinese texts for Korean
    or Cyrillic ones.

    Raises:
        LoadError: the bytes are not text, or of no encoding that could be told.
    """
    text = _by_mark(data) or _declared(data, declared) or _wide(data) or _utf8(data) or _gb18030(data)
    if text is None:
        text = _guessed(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    sample = text[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > _MOST_CONTROLS * len(sample):
        raise _not_text()
    if sample.count("\ufffd") > _MOST_DAMAGE * len(sample):
        raise _not_text()
    return _CONTROL.sub("", text)


def _by_mark(data: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    return None


def _declared(data: bytes, declared: str) -> str | None:
    if not declared:
        return None
    name = declared.strip().lower()
    name = "gb18030" if name in ("gb2312", "gbk", "gb_2312-80", "x-gbk") else name
    try:
        return data.decode(name)
    except (LookupError, UnicodeDecodeError):
        return None


def _wide(data: bytes) -> str | None:
    """UTF-16 without a mark: text has no zero bytes otherwise, and they stand at every other place."""
    zeros = data[:_SAMPLE].count(0)
    if not zeros or len(data) % 2:
        return None
    low = data[1:_SAMPLE:2].count(0)
    if max(low, zeros - low) < zeros * 0.95:
        return None
    try:
        return data.decode("utf-16-le" if low * 2 > zeros else "utf-16-be")
    except UnicodeDecodeError:
        return None


def _utf8(data: bytes) -> str | None:
    """UTF-8, also where a few bytes of it are damaged; not a few words of GB18030 that look like it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    else:
        looks_odd = len(data) <= _SHORT and _ODD_LETTER.search(text) and not _FAR_LETTER.search(text)
        return text if not looks_odd or _gb18030(data) is None else None
    beyond_ascii = sum(character > "\x7f" for character in text)
    return text if text.count("\ufffd") <= _MOST_DAMAGE * beyond_ascii else None


def _gb18030(data: bytes) -> str | None:
    """GB18030, if most of its characters are common ones; other encodings read as it give rare ones."""
    pairs = _DOUBLE_BYTES.findall(data[:_SAMPLE])
    common = sum(1 for pair in pairs if _COMMON_CHINESE.fullmatch(pair))
    if common < _LEAST_COMMON * len(pairs):
        return None
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    return text if text.count("\ufffd") <= _MOST_DAMAGE * len(pairs) else None


def _guessed(data: bytes) -> str:
    if 0 in data[:_SAMPLE]:
        raise _not_text()
    best = from_bytes(data[:_SAMPLE]).best()
    if best is None:
        raise _not_text()
    return data.decode(best.encoding, errors="replace")


def _not_text() -> LoadError:
    return LoadError("The file is not text in a known encoding.", "Save it as UTF-8.")
