"""Where sentences begin and end, in English, Chinese and mixed text."""

import re

from knowledge_base.characters import HAN

# What may stand between the end of a sentence and the next: quotes and brackets that close.
_CLOSERS = r"[\"'”’»」』）】》〉\)\]]*"
_LINE_END = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_LINE_ENDS = re.compile(f"[{_LINE_END}]")
_CANDIDATE = re.compile(
    rf"(?P<line>[{_LINE_END}]+)"
    rf"|(?P<wide>[。｡！？；…]+{_CLOSERS})"
    rf"|(?P<narrow>[.!?]+{_CLOSERS})(?=\s|$|[{HAN}])"
)
_WIDE_LETTER = re.compile(f"[{HAN}]")
_LAST_WORD = re.compile(r"[^\s(（\[\"'“‘,，;；]+$")
_ENUMERATOR = re.compile(r"[(（]?(?:\d+(?:\.\d+)*|[A-Za-z]|[ivxIVX]+)\.")
_DOTTED_LETTERS = re.compile(r"(?:[A-Za-z]\.)+")
_TABLE_ROW = re.compile(r"[^：；]{1,60}：[^；]*(?:；[^：；]{1,60}：[^；]*)+")
_LONGEST_WORD = 40

# Words whose full stop belongs to them, whatever follows.
_ALWAYS = """
e.g. i.e. cf. vs. approx. ca. mr. mrs. ms. dr. prof. st. mt. messrs. hon. gen. gov. rep. sen. rev. col. capt.
lt. sgt. co. dept. est. tel. ext. incl. excl. max. min. avg. jan. feb. mar. apr. jun. jul. aug. sep. sept.
oct. nov. dec. mon. tue. wed. thu. fri. v.
"""
# … and those whose full stop belongs to them before a number: "No. 5", but "No. You cannot."
_NUMBERED = """
no. nos. nr. art. arts. sec. sect. fig. figs. eq. p. pp. vol. ch. cl. para. paras. ref. ver. annex.
"""
_ABBREVIATIONS, _BEFORE_NUMBERS = frozenset(_ALWAYS.split()), frozenset(_NUMBERED.split())
# … and dotted letters that often end a sentence.
_MAY_END = frozenset(["a.m.", "p.m."])


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the sentences of `text`, in order, without white space at their ends.

    Together they cover all that is not white space. A sentence ends at a line's end; at 。！？；… with the
    quotes and brackets that close after them; and at . ! ? before white space, unless an abbreviation, an
    initial, a clause number or a following lower-case letter says otherwise. A table row written as
    `名称：值；名称：值` is one sentence.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    row_until: int | None = None  # of the line being read: its end if it is a table row, else -1
    for match in _CANDIDATE.finditer(text):
        end = match.end()
        if match.lastgroup == "line":
            _append(spans, text, start, match.start())
            start, row_until = end, None
        elif match.lastgroup == "narrow":
            if _ends_narrow(text, start, match):
                _append(spans, text, start, end)
                start = end
        else:
            if row_until is None and match.group()[0] == "；":
                row_until = _row_end(text, start, end)
            if row_until is None or match.start() > row_until or match.group()[0] != "；":
                _append(spans, text, start, end)
                start = end
    _append(spans, text, start, len(text))
    return spans


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        first = start + len(piece) - len(piece.lstrip())
        spans.append((first, first + len(stripped)))


def _ends_narrow(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the . ! or ? of `match` ends the sentence that began at `start`."""
    before, after = match.start(), match.end()
    following = text[after : after + 40].lstrip(" \t\u3000\xa0")
    if not following:
        return True
    if _WIDE_LETTER.match(text, after):
        return before > 0 and bool(_WIDE_LETTER.match(text, before - 1))
    if following[0].islower():
        return False
    if not match.group().startswith(".") or match.group().startswith(".."):
        return True
    return not _is_abbreviation(text, start, before + 1, following)


def _is_abbreviation(text: str, start: int, end: int, following: str) -> bool:
    """Whether the word whose full stop is at `end - 1` keeps it as its own."""
    found = _LAST_WORD.search(text, max(start, end - _LONGEST_WORD), end)
    if found is None:
        return False
    word = found.group()
    if _ENUMERATOR.fullmatch(word) and not text[start : found.start()].strip("(（ \t-*•"):
        return True
    word = word.lower()
    if word in _ABBREVIATIONS:
        return True
    if word in _BEFORE_NUMBERS:
        return following[0].isdigit()
    return bool(_DOTTED_LETTERS.fullmatch(word)) and word not in _MAY_END


def _row_end(text: str, start: int, position: int) -> int:
    """The end of the line that holds `position` if it is a table row from `start` on, else -1."""
    found = _LINE_ENDS.search(text, position)
    last = found.start() if found else len(text)
    return last if _TABLE_ROW.fullmatch(text[start:last].strip()) else -1
