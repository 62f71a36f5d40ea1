"""RTF as a stream of texts and words: groups, code pages and what is no text are dealt with here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\"
)
_SIGNS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ", "softline": "\n",
}  # fmt: skip
_ESCAPED = {b"\\": "\\", b"{": "{", b"}": "}", b"~": " ", b"_": "-"}
# Groups that are not text of the document; those behind \* are not either, unless they are known here.
_LEFT_OUT = frozenset(
    [
        "colortbl",
        "pict",
        "object",
        "header",
        "headerl",
        "headerr",
        "headerf",
        "footer",
        "footerl",
        "footerr",
        "footerf",
        "xe",
        "tc",
        "fldinst",
        "bkmkstart",
        "bkmkend",
        "nonshppict",
        "template",
        "private",
        "pgptbl",
        "sp",
        "blipuid",
        "ftnsep",
        "ftnsepc",
        "aftnsep",
        "aftnsepc",
        "author",
        "operator",
        "company",
        "manager",
        "subject",
        "keywords",
        "comment",
        "doccomm",
        "category",
        "hlinkbase",
        "creatim",
        "revtim",
        "printim",
        "buptim",
        "docvar",
    ]
)
_KNOWN = frozenset(["shppict", "shp", "shpinst", "shptxt", "fldrslt", "ud", "annotation", "footnote"])
DESTINATIONS = frozenset(["footnote", "annotation", "shptxt"])
_CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5hkscs", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250",
}  # fmt: skip
_PAGES = {936: "gb18030", 950: "big5hkscs", 65001: "utf-8", 10000: "mac_roman"}
_SHAPES = {"super": "sup", "sub": "sub", "strike": "strike", "striked": "strike"}
_DEEPEST_GROUP = 2000


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the document.

    `kind` is "text" (with its `shape`, see `joined_runs`), "word" (a control word not dealt with here),
    "begin" and "end" (of a footnote, annotation or shptxt), "style" (the name of a paragraph style and its
    number) or "title".
    """

    kind: str
    text: str
    number: int | None = None
    shape: str = ""


@dataclass(slots=True)
class _State:
    """What holds until its group ends."""

    place: str = "text"  # or the destination; "none" is left out
    charset: str = ""
    fallback: int = 1  # bytes behind \u for programs without Unicode
    hidden: bool = False
    shape: str = ""


class Tokens:
    """The tokens of a document."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._state = _State()
        self._groups: list[_State] = []
        self._deeper = 0  # groups within the last one, which share its state
        self._bytes = b""  # in a code page, not yet decoded
        self._skip = 0
        self._starred = False
        self._fonts: dict[int, str] = {}
        self._number = 0  # of the font or style that is being defined
        self._page = "cp1252"

    def __iter__(self) -> Iterator[Token]:
        place = 0
        while (found := _TOKEN.match(self._data, place)) is not None:
            place = found.end()
            word, number, code, escaped, brace, text = found.groups()
            if code is not None or text is not None:
                self._take(bytes.fromhex(code.decode()) if code is not None else text)
                continue
            yield from self._decoded()
            if word == b"bin":
                place += max(int(number or 0), 0)
            elif word is not None:
                yield from self._word(word.decode(), int(number) if number is not None else None)
            elif brace is not None:
                yield from self._group(brace)
            elif escaped is not None:
                yield from self._escaped(escaped)
        yield from self._decoded()

    def _group(self, brace: bytes) -> Iterator[Token]:
        if brace == b"{":
            self._open()
        else:
            yield from self._close()

    def _escaped(self, sign: bytes) -> Iterator[Token]:
        if sign == b"*":
            self._starred = True
        elif sign in (b"\n", b"\r"):
            yield from self._word("par", None)
        else:
            yield from self._text(_ESCAPED.get(sign, ""))

    def _take(self, data: bytes) -> None:
        dropped = min(self._skip, len(data))
        self._skip -= dropped
        self._bytes += data[dropped:]

    def _open(self) -> None:
        self._starred = False
        if len(self._groups) > _DEEPEST_GROUP:
            self._deeper += 1
            return
        self._groups.append(self._state)
        self._state = replace(self._state)

    def _close(self) -> Iterator[Token]:
        if self._deeper:
            self._deeper -= 1
            return
        ended = self._state.place
        self._state = self._groups.pop() if self._groups else _State()
        if ended in DESTINATIONS and ended != self._state.place:
            yield Token("end", ended)

    def _decoded(self) -> Iterator[Token]:
        self._skip = 0
        if self._bytes:
            data, self._bytes = self._bytes, b""
            yield from self._text(_decode(data, self._state.charset or self._page))

    def _text(self, text: str) -> Iterator[Token]:
        state = self._state
        if state.place == "stylesheet":
            yield Token("style", text.strip().rstrip(";"), self._number)
        elif state.place == "title":
            yield Token("title", text)
        elif state.place not in ("none", "fonttbl", "info") and not state.hidden and text:
            yield Token("text", text, shape=state.shape)

    def _word(self, word: str, number: int | None) -> Iterator[Token]:
        starred, self._starred = self._starred, False
        state = self._state
        if word == "u" and number is not None:
            yield from self._text(chr(number % 65536))
            self._skip = state.fallback
            return
        if (starred and word not in _KNOWN) or word in _LEFT_OUT:
            state.place = "none"
        elif word in _SIGNS:
            yield from self._text(_SIGNS[word])
        elif word in DESTINATIONS:
            if state.place != "none":
                state.place = word
                yield Token("begin", word)
        elif word in ("fonttbl", "stylesheet", "info", "title"):
            state.place = "none" if state.place == "none" else word
        elif word in _STATE_WORDS or word in _SHAPES:
            self._change(word, number)
        elif state.place not in ("none", "fonttbl", "stylesheet", "info"):
            yield Token("word", word, number)
        elif word == "s":
            self._number = number or 0

    def _change(self, word: str, number: int | None) -> None:
        state = self._state
        if word in _SHAPES:
            state.shape = _SHAPES[word] if number != 0 else ""
        elif word in ("plain", "nosupersub"):
            state.shape = "" if word == "plain" or state.shape != "strike" else state.shape
            state.hidden = state.hidden and word != "plain"
        elif word in ("v", "deleted"):
            state.hidden = number != 0
        elif word == "uc":
            state.fallback = number if number is not None else 1
        elif word == "ansicpg":
            self._page = _PAGES.get(number or 1252, f"cp{number or 1252}")
        elif word == "fcharset":
            self._fonts[self._number] = _CHARSETS.get(number or 0, "") if number else ""
        elif state.place == "fonttbl":
            self._number = number or 0
        else:
            state.charset = self._fonts.get(number or 0, "")


_STATE_WORDS = frozenset(["plain", "nosupersub", "v", "deleted", "uc", "ansicpg", "fcharset", "f"])


def _decode(data: bytes, charset: str) -> str:
    """Text in a code page; in GB18030 where that is wrongly named, as some Chinese programs do."""
    for encoding in (charset, "gb18030"):
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode("cp1252", errors="replace")
