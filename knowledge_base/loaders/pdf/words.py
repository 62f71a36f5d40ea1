"""The words of a PDF page with their places, turned so that they read upright."""

import ctypes
import math
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
from numpy.typing import NDArray

from knowledge_base.characters import ordinary

Box = tuple[float, float, float, float]  # left, bottom, right, top, in points from the lower left
Boxes = NDArray[np.float32]  # one row of left, bottom, right, top for each character

UNREADABLE = "\ufffd"
MOST_CHARACTERS = 200_000  # of a page; more are no text for readers

_IS_BLANK = np.zeros(1 << 16, np.bool_)  # by code
_IS_BLANK[[0, 9, 10, 13, 32, 0xA0, 0x2028, 0x2029, 0x3000, 0x200B, 0xFEFF]] = True
_HYPHENS = "\ufffe\x02\u00ad"  # soft ones, and PDFium's signs for one that ends a line
_SURROGATE = 0xD800  # to 0xDFFF: half of a character
_ODD = re.compile("[\ud800-\udfff\ue000-\uf8ff\ufffd-\uffff\x00-\x1f\x7f-\x9f\u00ad]")
_SLANTED = -1
_SLANT = 3.0  # degrees from the next quarter turn
_BOLD = 600  # of a font's weight; most are 400 or 700
_LONGEST_NAME = 128  # of a font
_UNEQUAL = 0.1  # of the lower of two characters
_LOW = 0.8  # of the letters' size; characters with ascent and descent are higher
_ASCENT, _DESCENT = 0.85, 0.2  # … about
_TALL = 4  # characters in a column that make vertical text
_CLOSE = 1.25  # times their width: how far apart they stand in it
_SAMPLE = 200  # characters of a page that are asked whether their font names a letter
_VOWELS = 0.15  # of the letters of a text in Latin script, at the least
_PLAUSIBLE = re.compile(
    r"[\d\W]*(?:(?:[A-Z]?[a-z\u00df-\u024f]+|[A-Z\u00c0-\u00de]+|[\u2e80-\uffef]+)[\d\W]+)*(?:[A-Z]?[a-z\u00df-\u024f]+|[A-Z\u00c0-\u00de]+|[\u2e80-\uffef]+)?"
)
_LATIN = re.compile(r"[a-zA-Z]")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_CJK_FROM = 0x2E80

# What fonts of symbols show at the places where they name no character.
_SYMBOLS = {
    **dict.fromkeys("\uf0b7\uf0a7\uf06c\uf06e\uf09f\uf076\uf0d8\uf0b0", "•"),
    **dict.fromkeys("\uf0a8\uf06f\uf071\uf0a3", "□"),
    **dict.fromkeys("\uf0fc\uf050", "✓"),
    **dict.fromkeys("\uf0fe\uf052", "☑"),
    **dict.fromkeys("\uf0fd\uf051\uf054", "☒"),
    **dict.fromkeys("\uf0e0\uf0ae", "→"),
    "\uf02d": "−", "\uf0b1": "±", "\uf0b4": "×", "\uf0b3": "≥", "\uf02b": "+", "\uf03d": "=",
}  # fmt: skip


def _quick(name: str, result: type, *more: type) -> Callable[..., Any]:
    """PDFium's function of a text page and a character, without checks and with the interpreter's lock kept.

    That halves the time of what is asked of every character.
    """
    kind = ctypes.PYFUNCTYPE(result, ctypes.c_void_p, ctypes.c_int, *more)
    return kind(ctypes.cast(getattr(pdfium, name), ctypes.c_void_p).value or 0)


_BOX_OF = _quick("FPDFText_GetLooseCharBox", ctypes.c_int, ctypes.c_void_p)
_OBJECT_OF = _quick("FPDFText_GetTextObject", ctypes.c_void_p)
_IS_GENERATED = _quick("FPDFText_IsGenerated", ctypes.c_int)
_IS_UNKNOWN = _quick("FPDFText_HasUnicodeMapError", ctypes.c_int)


class Word(NamedTuple):
    """Characters without a blank between them; `spaced` if a blank stands before them in the file.

    `filled` if somebody filled them in or typed them on the page, `bold` if their font is.
    """

    text: str
    left: float
    bottom: float
    right: float
    top: float
    size: float
    spaced: bool
    filled: bool = False
    bold: bool = False

    def turned(self, view: "View") -> "Word":
        """The word in the space of the view."""
        (box,) = view.turned_boxes([self[1:5]])
        return Word(self.text, *box, *self[5:])


class Slanted(NamedTuple):
    """Text that runs across the page, as watermarks do."""

    text: str
    box: Box
    size: float


@dataclass(frozen=True, slots=True)
class View:
    """How a page is turned so that its text reads upright.

    `quarters` are the quarter turns clockwise from the page's own space, whose visible part is `width` by
    `height` points.
    """

    quarters: int
    width: float
    height: float

    @property
    def size(self) -> tuple[float, float]:
        """Width and height after the turn."""
        return (self.height, self.width) if self.quarters % 2 else (self.width, self.height)

    def turned(self, boxes: Boxes) -> Boxes:
        """Boxes of the page's space in that of the view."""
        left, bottom, right, top = boxes.T
        match self.quarters % 4:
            case 1:
                return np.stack([bottom, self.width - right, top, self.width - left], axis=1)
            case 2:
                sides = [self.width - right, self.height - top, self.width - left, self.height - bottom]
                return np.stack(sides, axis=1)
            case 3:
                return np.stack([self.height - top, left, self.height - bottom, right], axis=1)
        return boxes

    def turned_boxes(self, boxes: Sequence[Box]) -> list[Box]:
        """The same for single boxes."""
        if not boxes or not self.quarters:
            return list(boxes)
        return [tuple(box) for box in self.turned(np.array(boxes, np.float32)).tolist()]

    def turned_back(self, box: Box) -> Box:
        """A box of the view in the page's space."""
        back = View(-self.quarters % 4, *self.size)
        left, bottom, right, top = map(float, back.turned(np.array([box], np.float32))[0])
        return (left, bottom, right, top)


class _Characters(NamedTuple):
    """Visible characters in the order of the file.

    `codes` are UTF-16 units, `at` their numbers in PDFium's count, `follows` whether no blank stands before,
    `spaced` whether one of the file's own does: PDFium adds some.
    """

    codes: NDArray[np.uint16]
    boxes: Boxes
    at: NDArray[np.intp]
    follows: NDArray[np.bool_]
    spaced: NDArray[np.bool_]

    def only(self, chosen: NDArray[np.bool_], view: View) -> "_Characters":
        """Some of the characters, in the space of the view."""
        boxes = view.turned(self.boxes[chosen])
        return _Characters(
            self.codes[chosen], boxes, self.at[chosen], self.follows[chosen], self.spaced[chosen]
        )


class PageCharacters:
    """The characters of a page within its visible part (the crop box), in points from that part's lower left.

    `views` are the turns in which some of its text reads upright, the one of most text first.
    """

    def __init__(self, text_page: pypdfium2.PdfTextPage, visible: Box) -> None:
        width, height = visible[2] - visible[0], visible[3] - visible[1]
        self._page = text_page
        self._characters = _characters(text_page, visible)
        self._quarters = _quarters(text_page, self._characters)
        counts = Counter(self._quarters.tolist())
        turns = [turn for turn, _ in counts.most_common() if turn != _SLANTED]
        self.views = tuple(View(turn, width, height) for turn in turns or [0])

    def __len__(self) -> int:
        return len(self._quarters)

    def words(self, view: View, edges: Sequence[tuple[Box, Sequence[float]]] = ()) -> list[Word]:
        """The words that read upright in this view and in its space.

        `edges` are tables with the places of their vertical lines; no word crosses one.
        """
        chosen = self._characters.only(self._quarters == view.quarters, view)
        return _words(self._page, chosen, edges)

    def is_nonsense(self, words: Sequence[Word]) -> bool:
        """Whether the fonts name no letters and what PDFium guesses for them does not read as words."""
        at = self._characters.at[:: len(self) // _SAMPLE + 1]
        lost = list(_of_each(_IS_UNKNOWN, self._page, at)).count(1)
        if lost * 2 <= len(at):
            return False
        text = " ".join(word.text for word in words)
        latin = len(_LATIN.findall(text))
        odd = sum(not _PLAUSIBLE.fullmatch(word.text) for word in words)
        return odd * 3 > len(words) or latin * 2 > len(text) and len(_VOWEL.findall(text)) < _VOWELS * latin

    def slanted(self) -> tuple[Slanted, ...]:
        """Text that runs neither along nor across the page."""
        return _slanted(self._page, self._characters, self._quarters == _SLANTED)


def _of_each(
    function: Callable[..., Any], text_page: pypdfium2.PdfTextPage, at: NDArray[np.intp], *more: Iterable[int]
) -> Iterator[Any]:
    """What PDFium answers for each of some characters."""
    return map(function, repeat(ctypes.cast(text_page.raw, ctypes.c_void_p).value), at.tolist(), *more)


def _characters(text_page: pypdfium2.PdfTextPage, visible: Box) -> _Characters:
    count = min(text_page.count_chars(), MOST_CHARACTERS)
    buffer = (ctypes.c_ushort * (count + 1))()
    raw = text_page.raw
    if pdfium.FPDFText_GetText(raw, 0, count, buffer) != count + 1:
        for index in range(count):  # signs without a character are left out of the text
            buffer[index] = pdfium.FPDFText_GetUnicode(raw, index) & 0xFFFF or 0xFFFD
    codes = np.frombuffer(buffer, np.uint16, count)
    at = np.flatnonzero(~_IS_BLANK[codes])
    places = np.zeros((len(at), 4), np.float32)  # as FS_RECTF: left, top, right, bottom
    first = places.ctypes.data
    addresses = range(first, first + places.nbytes, ctypes.sizeof(pdfium.FS_RECTF))
    deque(_of_each(_BOX_OF, text_page, at, addresses), maxlen=0)
    boxes = places[:, [0, 3, 2, 1]]
    _raise_to_letters(text_page, at, boxes)
    boxes -= np.array([visible[0], visible[1]] * 2, np.float32)
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    seen = (middle_x >= 0) & (middle_x <= visible[2] - visible[0])
    seen &= (middle_y >= 0) & (middle_y <= visible[3] - visible[1])
    follows = np.diff(at, prepend=-2) == 1
    spaced = np.zeros(len(at), np.bool_)
    after_blank = ~follows & (at > 0)
    spaced[after_blank] = [not made for made in _of_each(_IS_GENERATED, text_page, at[after_blank] - 1)]
    return _Characters(codes[at][seen], boxes[seen], at[seen], follows[seen], spaced[seen])


def _raise_to_letters(text_page: pypdfium2.PdfTextPage, at: NDArray[np.intp], boxes: Boxes) -> None:
    """Give characters of fonts without ascent and descent, whose boxes are their ink, boxes of full height.

    Only those are asked that are not as high as the one before or after: a hyphen or full stop is none beside
    the letters of its line.
    """
    height = boxes[:, 3] - boxes[:, 1]
    changes = np.abs(np.diff(height)) > _UNEQUAL * np.minimum(height[1:], height[:-1])
    for place in np.flatnonzero(np.append(changes, False) | np.append(False, changes)).tolist():
        index = int(at[place])
        size = _size(text_page, index)
        if height[place] < _LOW * size and _turn(text_page, index) == 0:
            x, y = ctypes.c_double(), ctypes.c_double()
            pdfium.FPDFText_GetCharOrigin(text_page.raw, index, x, y)
            boxes[place, 1], boxes[place, 3] = y.value - _DESCENT * size, y.value + _ASCENT * size


def _quarters(text_page: pypdfium2.PdfTextPage, characters: _Characters) -> NDArray[np.int8]:
    """For each character the quarter turns clockwise that set it upright, -1 for slanted text.

    Only runs whose characters do not stand beside each other are asked for their angle. Chinese set from top
    to bottom is turned like text that runs downwards, so that its columns become lines.
    """
    quarters = np.zeros(len(characters.codes), np.int8)
    if len(quarters) < 2:  # noqa: PLR2004 - one character has no direction
        return quarters
    boxes = characters.boxes
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    height = np.minimum(boxes[1:, 3] - boxes[1:, 1], boxes[:-1, 3] - boxes[:-1, 1])
    shifted = (np.abs(np.diff(middle)) > 0.25 * np.abs(height)) | (np.diff(boxes[:, 0]) < 0)
    shifted &= characters.follows[1:]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shifted, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        run = slice(start, end + 1)
        quarters[run] = _turn(text_page, int(characters.at[start]))
        if not quarters[start] and _is_vertical(characters.codes[run], boxes[run]):
            quarters[run] = 3
    for start, end in _columns_of_singles(characters):
        quarters[start : end + 1] = np.where(quarters[start : end + 1], quarters[start : end + 1], 3)
    if quarters.any():
        alone = ~characters.follows & ~np.append(characters.follows[1:], False)
        for place in np.flatnonzero(alone).tolist():
            quarters[place] = quarters[place] or _turn(text_page, int(characters.at[place]))
    return quarters


def _columns_of_singles(characters: _Characters) -> list[tuple[int, int]]:
    """First and last of Chinese characters that stand below each other with what PDFium takes for blanks."""
    boxes = characters.boxes
    width = np.minimum(boxes[1:, 2] - boxes[1:, 0], boxes[:-1, 2] - boxes[:-1, 0])
    down = (boxes[:-1, 3] - boxes[1:, 3] > 0) & (boxes[:-1, 3] - boxes[1:, 3] < _CLOSE * width)
    down &= (np.abs(np.diff(boxes[:, 0])) < width / 2) & (characters.codes[1:] >= _CJK_FROM)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], down, [False]]).astype(np.int8)))
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [(start, end) for start, end in pairs if end - start >= _TALL]


def _turn(text_page: pypdfium2.PdfTextPage, index: int) -> int:
    """The quarter turns that set a character upright; PDFium measures its angle clockwise."""
    angle = math.degrees(pdfium.FPDFText_GetCharAngle(text_page.raw, index))
    nearest = round(angle / 90)
    return -nearest % 4 if abs(angle - 90 * nearest) <= _SLANT else _SLANTED


def _is_vertical(codes: NDArray[np.uint16], boxes: Boxes) -> bool:
    """Whether upright characters stand below each other, as close as in vertical Chinese."""
    if len(codes) < _TALL or (codes >= _CJK_FROM).mean() < 0.5:  # noqa: PLR2004 - half
        return False
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    width = float(np.median(boxes[:, 2] - boxes[:, 0]))
    steps = -np.diff(middle_y)
    near = (np.abs(np.diff(middle_x)) < width / 2) & (steps > 0) & (steps < 1.5 * width)
    return bool(near.mean() > 0.8)  # noqa: PLR2004 - a few are punctuation or begin a new column


def _slanted(
    text_page: pypdfium2.PdfTextPage, characters: _Characters, chosen: NDArray[np.bool_]
) -> tuple[Slanted, ...]:
    found = []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        text = _text(characters.codes[start:end])
        boxes = characters.boxes[start:end]
        box = (*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist())
        found.append(Slanted(text, box, _size(text_page, int(characters.at[start]))))
    return tuple(found)


def _words(
    text_page: pypdfium2.PdfTextPage, characters: _Characters, edges: Sequence[tuple[Box, Sequence[float]]]
) -> list[Word]:
    if not len(characters.codes):
        return []
    codes, boxes, at, follows, spaces = characters
    height = np.abs(boxes[:, 3] - boxes[:, 1])
    middle = (boxes[:, 1] + boxes[:, 3]) / 2
    gap = boxes[1:, 0] - boxes[:-1, 2]
    low = np.minimum(height[1:], height[:-1])
    beside = (np.abs(np.diff(middle)) < 0.25 * low) & (gap < 0.5 * low) & (gap > -0.8 * low)
    joins = np.concatenate([[False], beside & follows[1:]])
    for box, places in edges:
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, middle
        inside = (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])
        column = np.where(inside, np.searchsorted(np.asarray(places), x), -1)
        joins[1:] &= np.diff(column) == 0
    starts = np.flatnonzero(~joins)
    ends = np.append(starts[1:], len(codes))
    left = np.minimum.reduceat(boxes[:, 0], starts).tolist()
    right = np.maximum.reduceat(boxes[:, 2], starts).tolist()
    bottom = np.minimum.reduceat(boxes[:, 1], starts).tolist()
    top = np.maximum.reduceat(boxes[:, 3], starts).tolist()
    first = at[starts]
    looks: dict[int | None, tuple[float, bool]] = {}  # by text object, all of whose characters look alike
    drawn = list(_of_each(_OBJECT_OF, text_page, first))
    for index, item in zip(first.tolist(), drawn, strict=True):
        if item not in looks:
            looks[item] = _size(text_page, index), _is_bold(text_page, index)
    sizes, bold = zip(*map(looks.__getitem__, drawn), strict=True)
    texts = _texts(codes, starts.tolist(), ends.tolist())
    spaced = spaces[starts].tolist()
    return list(map(Word, texts, left, bottom, right, top, sizes, spaced, repeat(False), bold))


def _size(text_page: pypdfium2.PdfTextPage, index: int) -> float:
    """Size of a character's letters in points, in halves."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(text_page.raw, index, matrix)
    scale = math.hypot(matrix.b, matrix.d) or 1.0
    return round(float(pdfium.FPDFText_GetFontSize(text_page.raw, index)) * scale * 2) / 2


def _is_bold(text_page: pypdfium2.PdfTextPage, index: int) -> bool:
    """Whether a character's font is bold by its weight, or by its name if the file does not hold the font."""
    weight = pdfium.FPDFText_GetFontWeight(text_page.raw, index)
    if weight > 0:
        return bool(weight >= _BOLD)
    name = ctypes.create_string_buffer(_LONGEST_NAME)
    pdfium.FPDFText_GetFontInfo(text_page.raw, index, name, _LONGEST_NAME, ctypes.c_int())
    return b"bold" in name.value.lower()


def _texts(codes: NDArray[np.uint16], starts: Sequence[int], ends: Sequence[int]) -> list[str]:
    """The texts of words, cut out of that of all of them where each unit is one character of it."""
    whole = _text(codes)
    places = zip(starts, ends, strict=True)
    if len(whole) == len(codes) and not np.any(codes & 0xF800 == _SURROGATE):
        return [whole[start:end] for start, end in places]
    return [_text(codes[start:end]) for start, end in places]


def _text(codes: NDArray[np.uint16]) -> str:
    """Text of UTF-16 units: halves joined, symbols named, unknown signs shown as such."""
    text = codes.tobytes().decode("utf-16-le", "replace")
    return text if text.isascii() and text.isprintable() else ordinary(_ODD.sub(_sign, text))


def _sign(odd: re.Match[str]) -> str:
    return "-" if odd[0] in _HYPHENS else _SYMBOLS.get(odd[0], UNREADABLE)
