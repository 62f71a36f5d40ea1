"""Rows of a page: words on the same height, in pieces where gaps divide them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from knowledge_base.loaders.pdf.words import Box, Word

GAP = 0.45  # of the letters' size: wider than a space between words that nothing stretches
WIDE_GAP = 1.2  # … than one that a justified line stretches
_OVERLAP = 0.5  # of the lower word's height
_LOWEST = 0.45  # of the row's height: lower words are no part of it, as of a large initial
_SMALL = 0.8  # of the row's size
_RAISED = 0.12  # of the row's height
_SPACE = 0.15  # of the letters' size
_CHINESE = "\u2e80"  # from here on signs are set without spaces
_LEFT = attrgetter("left")
_SUPERSCRIPTS = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")


class Piece(NamedTuple):
    """A part of a row between gaps."""

    text: str
    box: Box
    filled: bool = False
    words: tuple[Word, ...] = ()
    bold: bool = False


class Row:
    """Pieces from left to right; `size` is that of most letters."""

    def __init__(self, pieces: Sequence[Piece], size: float) -> None:
        self.pieces = tuple(pieces)
        self.size = size
        self.box = around(piece.box for piece in pieces)
        self.text = " ".join(piece.text for piece in pieces)

    @property
    def is_filled(self) -> bool:
        """Whether somebody filled in a part of it."""
        return any(piece.filled for piece in self.pieces)

    @property
    def is_bold(self) -> bool:
        """Whether all of it is."""
        return all(piece.bold for piece in self.pieces)

    @cached_property
    def parts(self) -> tuple[Piece, ...]:
        """The pieces between gaps that are wider than any space."""
        parts: list[Piece] = []
        for piece in self.pieces:
            last = parts[-1] if parts else None
            if last and piece.box[0] - last.box[2] <= WIDE_GAP * self.size:
                parts[-1] = Piece(f"{last.text} {piece.text}", around((last.box, piece.box)))
            else:
                parts.append(piece)
        return tuple(parts)


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box around others."""
    left, bottom, right, top = zip(*boxes, strict=True)
    return (min(left), min(bottom), max(right), max(top))


def rows_of(words: Iterable[Word], with_words: bool = False) -> list[Row]:
    """Rows from top to bottom; `with_words` keeps the words of each piece."""
    rows: list[Row] = []
    for row in _beside(sorted(words, key=lambda word: -(word.bottom + word.top)), _LOWEST):
        line = sorted(row, key=_LEFT)
        parts = [sorted(part, key=_LEFT) for part in _beside(row, _SMALL)] if _collides(line) else [line]
        rows += [_row(part, with_words) for part in parts]
    return rows


def _beside(words: Iterable[Word], lowest: float) -> list[list[Word]]:
    """Words from top to bottom as rows of those beside the tallest, none lower than `lowest` times it."""
    rows: list[list[Word]] = []
    bottom = top = 0.0  # of the tallest word of the last row
    for word in words:
        low, high = word.top - word.bottom, top - bottom
        is_tallest = low > high
        if is_tallest:
            low, high = high, low
        overlap = min(word.top, top) - max(word.bottom, bottom)
        if rows and overlap > _OVERLAP * low and low > lowest * high:
            rows[-1].append(word)
        else:
            rows.append([word])
            is_tallest = True
        if is_tallest:
            bottom, top = word.bottom, word.top
    return rows


def _collides(row: Sequence[Word]) -> bool:
    """Whether words stand below each other: two lines of small letters are beside one of large letters."""
    return any(
        min(left.right, right.right) - right.left > left.size / 2
        and abs(left.bottom - right.bottom) > _LOWEST * left.size
        for left, right in pairwise(row)
    )


def _row(words: Sequence[Word], with_words: bool) -> Row:
    letters: dict[float, int] = {}
    for word in words:
        letters[word.size] = letters.get(word.size, 0) + len(word.text)
    usual = max(letters, key=letters.__getitem__)
    middles = [word.bottom + word.top for word in words if word.size == usual]
    middle = sum(middles) / len(middles) / 2
    size = max(usual, 0.5)
    return Row([_piece(group, size, middle, with_words) for group in _between_gaps(words, size)], size)


def _piece(words: Sequence[Word], size: float, middle: float, with_words: bool) -> Piece:
    _, left, bottom, right, top, _, _, filled, bold = zip(*words, strict=True)
    box = (min(left), min(bottom), max(right), max(top))
    kept = tuple(words) if with_words else ()
    return Piece(_joined(words, size, middle), box, any(filled), kept, all(bold))


def _between_gaps(words: Sequence[Word], size: float) -> Iterator[list[Word]]:
    group = [words[0]]
    for previous, word in pairwise(words):
        slack = _SPACE * size
        within = previous.left - slack < word.left and word.right < previous.right + slack
        if within and word.text in previous.text:
            continue  # drawn twice to look bold
        if word.left - group[-1].right > GAP * size:
            yield group
            group = []
        group.append(word)
    yield group


def _joined(words: Sequence[Word], size: float, middle: float) -> str:
    text = words[0].text
    for previous, word in pairwise(words):
        gap = word.left - previous.right
        loose = not (previous.text[-1] >= _CHINESE <= word.text[0])
        apart = loose and gap > _SPACE * size or word.spaced and gap > -_SPACE * size
        text += f" {word.text}" if apart else _attached(word, size, middle)
    return text


def _attached(word: Word, size: float, middle: float) -> str:
    """A word that follows another closely: as superscript if it is smaller and raised (10⁹, not 109)."""
    raised = (word.bottom + word.top) / 2 - middle
    if word.size <= _SMALL * size and raised > _RAISED * size:
        return word.text.translate(_SUPERSCRIPTS)
    return word.text
