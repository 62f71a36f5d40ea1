"""Pages that are pictures: drawn, read by OCR, and laid out as pages with text are."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import median

import numpy as np
import pypdfium2

from knowledge_base.characters import has_chinese
from knowledge_base.loaders.pdf.document import Source, opened, opened_page
from knowledge_base.loaders.pdf.layout import TextTable
from knowledge_base.loaders.pdf.page import PageText, regions_of
from knowledge_base.loaders.pdf.rows import Row
from knowledge_base.loaders.pdf.ruled import find_tables
from knowledge_base.loaders.pdf.view import PageBoxes, PlacedText, words_of
from knowledge_base.loaders.pdf.words import Box, View, Word
from knowledge_base.notes import Language, Note
from knowledge_base.ocr import Picture, PictureText, ReadWord
from knowledge_base.values import Block

_WORD = re.compile(r"[A-Za-z]{3,}")
_VOWEL = re.compile(r"[AEIOUYaeiouy]")
_HAN = re.compile("[\u3400-\u9fff]")
_FEWEST = 12  # words or Chinese characters; fewer tell nothing
_FEWEST_VOWELS = 0.22
_MOST_RARE = 0.6

_MISSING = ("pictures_without_ocr", "pictures_without_text", "pages_damaged")

_DPI = 250  # letters of 6 pt have 20 pixels, so that the blanks between words are seen
_LONGEST = 4000  # pixels of a side
_SIZE = 11.0  # points that usual text is taken for
_BOX = 1.3  # a line's box is so many times as high as its letters' size
_CORE = 0.35  # of a line's height above and below its middle: what surely is its own
_ALIKE = (0.72, 1.3)  # times the usual height: letters of one size


def draw_page(source: Source, number: int) -> Picture:
    """A page (from 1) as OCR reads it. Raises PdfiumError or LoadError if it is damaged."""
    with opened(source, to_draw=True) as document, opened_page(document, number) as page:
        longest = max(page.get_size())
        bitmap = page.render(scale=min(_DPI / 72, _LONGEST / longest), rev_byteorder=True)
        return Picture(np.array(bitmap.to_numpy()[..., :3]))


def draw_pages(source: Source, numbers: Iterable[int]) -> Iterator[Picture | None]:
    """Several of them, one by one, None for one that is damaged."""
    for number in numbers:
        try:
            yield draw_page(source, number)
        except pypdfium2.PdfiumError:
            yield None


def laid_out(read: PictureText, size: float = _SIZE, with_words: bool = False) -> PageText:
    """The page that a picture shows, its usual text `size` points high; `with_words` as in `read_page`."""
    usual = _usual_height(read.words)
    scale = size * _BOX / usual
    view = View(0, read.width * scale, read.height * scale)
    words = [_word(word, read, scale, usual, size) for word in read.words]
    tables = find_tables([_flipped(box, read, scale) for box in read.rules])
    letters = sum(len(word.text) for word in words)
    return PageText(tuple(regions_of(view, words, tables, with_words)), (), letters, 0, 1.0)


def is_nonsense(page: PageText) -> bool:
    """Whether a page's text is no language: fonts that name other letters than they show.

    Of the letters of languages in Latin script some 40 % are vowels; Chinese texts have hardly any character
    outside GB 2312 and Big5.
    """
    text = " ".join(
        " ".join(cell for row in item.grid for cell in row) if isinstance(item, TextTable) else item.text
        for region in page.regions
        for item in region.items
    )
    words = _WORD.findall(text)
    if len(words) >= _FEWEST:
        letters = "".join(words)
        return len(_VOWEL.findall(letters)) < _FEWEST_VOWELS * len(letters)
    han = _HAN.findall(text)
    return len(han) >= _FEWEST and sum(map(_is_rare, han)) > _MOST_RARE * len(han)


@lru_cache(maxsize=10_000)
def _is_rare(character: str) -> bool:
    return not any(_encodes(character, encoding) for encoding in ("gb2312", "big5"))


def _encodes(character: str, encoding: str) -> bool:
    try:
        return bool(character.encode(encoding))
    except UnicodeEncodeError:
        return False


def picture_boxes(read: PictureText) -> PageBoxes:
    """The words of a picture in reading order, as they are seen: with the slope that was taken out."""
    words = []
    for region in laid_out(read, with_words=True).regions:
        width, height = region.view.size
        for word in words_of(region):
            more = (word.top - word.bottom) * (0.5 / _CORE - 1) / 2
            fall = -read.slope * ((word.left + word.right) / 2 / width - 0.5) * read.width / read.height
            top, bottom = 1 - (word.top + more) / height + fall, 1 - (word.bottom - more) / height + fall
            words.append(PlacedText(word.text, word.left / width, top, word.right / width, bottom))
    return PageBoxes(read.width, read.height, tuple(words))


def usual_size(pages: Iterable[PageText | None]) -> float:
    """The size of most letters of pages with text."""
    letters: Counter[float] = Counter()
    for page in pages:
        for region in page.regions if page else ():
            for item in region.items:
                if isinstance(item, Row):
                    letters[item.size] += len(item.text)
    return letters.most_common(1)[0][0] if letters else _SIZE


def with_confidence(blocks: Iterable[Block], read: Mapping[int, PictureText]) -> Iterator[Block]:
    """The blocks, those of pages that were read by OCR with the mean confidence of their words."""
    for block in blocks:
        page = read.get(block.page or 0)
        if page is None:
            yield block
            continue
        own = [word for word in page.words if word.text in block.text]
        weights = [len(word.text) for word in own]
        sure = float(np.average([word.confidence for word in own], weights=weights)) if own else 0.0
        yield replace(block, ocr=round(sure or page.confidence, 4))


def with_notes(blocks: Sequence[Block], notes: Sequence[Note]) -> Iterator[Block]:
    """The blocks of pages in order, and in place of each page that was not read the note about it."""
    language: Language = "zh" if any(has_chinese(block.text) for block in blocks) else "en"
    missing = {
        page: replace(note, pages=(page,)).text(language)
        for note in notes
        if note.kind in _MISSING
        for page in note.pages
    }
    said = [Block(f"[{text}]", "note", page=page) for page, text in missing.items()]
    return iter(sorted([*blocks, *said], key=lambda block: block.page or 0))


def _usual_height(words: Sequence[ReadWord]) -> float:
    heights = [word.bottom - word.top for word in words for _ in word.text]
    return median(heights) if heights else _SIZE * _BOX


def _word(word: ReadWord, read: PictureText, scale: float, usual: float, size: float) -> Word:
    height = word.bottom - word.top
    ratio = height / usual
    own = size if _ALIKE[0] < ratio < _ALIKE[1] else round(ratio * size * 2) / 2
    middle = (word.top + word.bottom) / 2
    core = (word.left, middle - _CORE * height, word.right, middle + _CORE * height)
    return Word(word.text, *_flipped(core, read, scale), own, word.spaced)


def _flipped(box: tuple[float, float, float, float], read: PictureText, scale: float) -> Box:
    """A box in pixels from the upper left in points from the lower left."""
    left, top, right, bottom = box
    return (left * scale, (read.height - bottom) * scale, right * scale, (read.height - top) * scale)
