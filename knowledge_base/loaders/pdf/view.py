"""A page of a PDF to be shown: its picture, its words with their places, and where a quoted text stands."""

import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher

import pypdfium2

from knowledge_base.characters import ordinary
from knowledge_base.errors import NotFoundError
from knowledge_base.loaders.pdf.document import Source, damaged, opened, opened_page
from knowledge_base.loaders.pdf.layout import TextTable
from knowledge_base.loaders.pdf.page import Region, read_page, visible_part
from knowledge_base.loaders.pdf.words import Box, View, Word

MOST_PIXELS = 4_000  # of a picture's width or height
_CELLS = re.compile(r"[;；\n]+")
_NAME = re.compile(r"[^:：]*[:：]\s*(?=\S)")
_LINE = 0.008  # of the page's height: middles so near each other stand on one line
_SHORTEST_MATCH = 12  # letters of a text that only begins or ends on the page


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A word or a mark on several, as fractions of the shown page's width and height from its upper left."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PageBoxes:
    """The words of a page in reading order, and the shown page's width and height in points."""

    width: float
    height: float
    words: tuple[PlacedText, ...]


def render_page(source: Source, page: int, width: int) -> bytes:
    """The picture of a page (from 1) as PNG, `width` pixels wide, with its form fields and annotations.

    Raises:
        NotFoundError: there is no such page.
        LoadError: the file is damaged or has a password.
    """
    with _page(source, page, to_draw=True) as (_, shown):
        points = shown.get_size()
        scale = min(width, MOST_PIXELS) / points[0]
        scale = min(scale, MOST_PIXELS / points[1])
        buffer = io.BytesIO()
        shown.render(scale=scale).to_pil().save(buffer, "PNG")
        return buffer.getvalue()


def page_boxes(source: Source, page: int) -> PageBoxes:
    """The words of a page (from 1) with their places, as the loader reads them. Raises as `render_page`."""
    with _page(source, page) as (document, shown):
        text = read_page(document, shown, with_words=True)
        visible = visible_part(shown)
        turns = shown.get_rotation() // 90
    words = []
    shape = View(turns, visible[2] - visible[0], visible[3] - visible[1])
    for region in text.regions:
        for word in words_of(region):
            (box,) = shape.turned_boxes([region.view.turned_back(word[1:5])])
            words.append(_placed(word.text, box, shape.size))
    return PageBoxes(*shape.size, tuple(words))


def find_text(boxes: PageBoxes, text: str) -> tuple[PlacedText, ...]:
    """One mark for each line of the page on which the text stands, none if it does not stand there.

    Blanks, hyphens and punctuation do not matter. A table's row is found by its cells, whose line holds more
    of the text than any other; of a text that only begins or ends on the page the longest part is marked.
    """
    letters, owners = _letters(boxes.words)
    wanted = _plain(text)
    if not wanted:
        return ()
    at = letters.find(wanted)
    if at >= 0:
        return _marks(boxes, owners[at : at + len(wanted)])
    chosen = _row_owners(
        boxes.words, letters, owners, [_plain(_NAME.sub("", cell, count=1)) for cell in _CELLS.split(text)]
    )
    if chosen:
        return _marks(boxes, chosen)
    match = SequenceMatcher(None, letters, wanted, autojunk=False).find_longest_match()
    if match.size < min(_SHORTEST_MATCH, len(wanted) / 2):
        return ()
    return _marks(boxes, owners[match.a : match.a + match.size])


@contextmanager
def _page(
    source: Source, number: int, to_draw: bool = False
) -> Iterator[tuple[pypdfium2.PdfDocument, pypdfium2.PdfPage]]:
    with opened(source, to_draw) as document:
        if not 1 <= number <= len(document):
            raise NotFoundError(f"There is no page {number}.", f"Choose one from 1 to {len(document)}.")
        try:
            with opened_page(document, number) as page:
                yield document, page
        except pypdfium2.PdfiumError as error:
            raise damaged(f"page {number} cannot be read") from error


def words_of(region: Region) -> Iterator[Word]:
    """The words of a region that was read with them, in reading order."""
    for item in region.items:
        if isinstance(item, TextTable):
            yield from item.words
        else:
            yield from (word for piece in item.pieces for word in piece.words)


def _placed(text: str, box: Box, size: tuple[float, float]) -> PlacedText:
    left, bottom, right, top = box
    width, height = size
    return PlacedText(text, left / width, 1 - top / height, right / width, 1 - bottom / height)


def _plain(text: str) -> str:
    """Letters and digits alone, in one form."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", ordinary(text)).casefold()))


def _letters(words: Sequence[PlacedText]) -> tuple[str, list[int]]:
    """All letters and digits of words, and for each of these the number of its word."""
    plain = [_plain(word.text) for word in words]
    return "".join(plain), [number for number, letters in enumerate(plain) for _ in letters]


def _row_owners(
    words: Sequence[PlacedText], letters: str, owners: Sequence[int], parts: Sequence[str]
) -> list[int]:
    """The words of those parts that stand on one line, the one with most of the text."""
    lines: dict[int, dict[str, list[int]]] = {}
    for part in set(parts):
        for match in re.finditer(re.escape(part), letters) if part else ():
            found = list(dict.fromkeys(owners[match.start() : match.end()]))
            middle = (words[found[0]].top + words[found[0]].bottom) / 2
            lines.setdefault(round(middle / _LINE), {}).setdefault(part, found)
    best: dict[str, list[int]] = {}
    for line, parts_of_line in lines.items():
        # a cell of several lines is centred beside its neighbours
        near = {**lines.get(line - 1, {}), **lines.get(line + 1, {}), **parts_of_line}
        if _value(near) > _value(best) or _value(near) == _value(best) and len(parts_of_line) > len(best):
            best = near
    if len(best) < 2 and _value(best) < sum(map(len, parts)) / 2:  # noqa: PLR2004 - one cell is no row
        return []
    return sorted(number for found in best.values() for number in found)


def _value(parts: Mapping[str, object]) -> int:
    return sum(map(len, parts))


def _marks(boxes: PageBoxes, numbers: Iterable[int]) -> tuple[PlacedText, ...]:
    """One mark around the words of each line."""
    downwards = _runs_downwards(boxes)
    marks: list[PlacedText] = []
    for number in dict.fromkeys(numbers):
        word = boxes.words[number]
        if marks and _is_beside(marks[-1], word, downwards):
            marks[-1] = PlacedText(
                f"{marks[-1].text} {word.text}",
                min(marks[-1].left, word.left),
                min(marks[-1].top, word.top),
                max(marks[-1].right, word.right),
                max(marks[-1].bottom, word.bottom),
            )
        else:
            marks.append(word)
    return tuple(marks)


def _runs_downwards(boxes: PageBoxes) -> bool:
    """Whether most words are higher than wide, as on a turned page or in vertical text."""
    shapes = [
        (word.bottom - word.top) * boxes.height > (word.right - word.left) * boxes.width
        for word in boxes.words
        if len(word.text) > 2  # noqa: PLR2004 - short words are as high as wide
    ]
    return sum(shapes) * 2 > len(shapes)


def _is_beside(mark: PlacedText, word: PlacedText, downwards: bool) -> bool:
    """Whether a word stands on the line of a mark."""
    if downwards:
        return mark.left < (word.left + word.right) / 2 < mark.right
    return word.left >= mark.left and mark.top < (word.top + word.bottom) / 2 < mark.bottom
