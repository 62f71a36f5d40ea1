"""PDF: each page in reading order, without its frame, as headings, paragraphs and rows of tables."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pypdfium2

from knowledge_base.characters import ordinary
from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import MOST_CHARACTERS, MOST_SECONDS, BoundReachedError, spend
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.pdf.document import damaged, opened, opened_page
from knowledge_base.loaders.pdf.frame import is_stamped_picture, without_frames
from knowledge_base.loaders.pdf.page import PageText, read_page
from knowledge_base.loaders.pdf.paragraphs import blocks_of
from knowledge_base.loaders.pdf.scanned import (
    draw_pages,
    is_nonsense,
    laid_out,
    usual_size,
    with_confidence,
    with_notes,
)
from knowledge_base.notes import Note, NoteKind
from knowledge_base.ocr import OcrMode, PictureText, ocr_in_use
from knowledge_base.values import Block, LoadedFile

_OCR = 'Set ocr = "auto" to have it read.'
_MOST_UNREADABLE = 0.3  # of a page's signs
_PICTURE = 0.5  # of a page: so much under pictures, and it is a scan if it has no other text

# Titles that programs write by themselves.
_NO_TITLE = re.compile(
    r"(microsoft (office )?(word|excel|powerpoint|publisher|visio)\b.*|wps (文字|表格|演示).*|"
    r"(powerpoint|excel|word) ?(presentation|document|演示文稿|文档|文稿|工作簿)?|"
    r"(presentation|document|workbook|book|slide|sheet|folie|doc)[ _-]?\d*|untitled.*|no title|title|"
    r"\(?(anonymous|unspecified|unknown)\)?|(无标题|未命名|新建).*|(演示文稿|文档|工作簿|幻灯片)\s*\d*|\S*"
    r"\.(docx?|docm|dotx?|pptx?|ppsx?|xlsx?|wps|et|dps|pdf|indd|qxd|ai|cdr|tex|dvi|tmp|rtf|txt|html?))?",
    re.IGNORECASE,
)


def load_pdf(data: bytes) -> LoadedFile:
    """Read a PDF.

    Raises:
        LoadError: it has a password, is damaged, or is scanned and has no text; then the remedy is OCR.
    """
    notes: list[Note] = []
    with opened(data) as document:
        title = ordinary(on_one_line(document.get_metadata_value("Title")))
        pages = _read(document, notes)
    scanned = [number for number, page in enumerate(pages, start=1) if page and _is_scanned(page, pages)]
    ocr, watch = ocr_in_use()
    read: dict[int, PictureText] = {}
    if ocr.mode != "off":
        wanted = range(1, len(pages) + 1) if ocr.mode == "force" else scanned
        found = zip(wanted, ocr.read(draw_pages(data, wanted), watch), strict=True)
        read = {number: text for number, text in found if text and (text.words or number in scanned)}
        read = _without_stamps(read)
    kept = _kept(pages, scanned, read)
    blocks = tuple(_bounded(with_confidence(blocks_of(without_frames(kept)), read), notes))
    if not blocks:
        raise _without_text(pages, bool(scanned), ocr.mode)
    notes += _ocr_notes(pages, scanned, read, ocr.mode)
    unreadable = sum(page.unreadable for page in kept)
    if unreadable:
        notes.append(Note("signs_unreadable", count=unreadable))
    blocks = tuple(with_notes(blocks, notes))
    return LoadedFile("" if _NO_TITLE.fullmatch(title) else title, blocks, tuple(notes))


_NOTHING = PageText((), (), 0, 0, 0.0)


def _read(document: pypdfium2.PdfDocument, notes: list[Note]) -> list[PageText | None]:
    """The pages, None for a damaged one, up to the bounds of time and text."""
    pages: list[PageText | None] = []
    letters = 0
    ends = time.monotonic() + MOST_SECONDS
    for number in range(1, len(document) + 1):
        try:
            with opened_page(document, number) as shown:
                page = read_page(document, shown)
            pages.append(page)
            letters += page.letters
            spend(page.letters)
        except pypdfium2.PdfiumError:
            pages.append(None)
        except BoundReachedError:  # of a file that this one is a part of
            letters = MOST_CHARACTERS + 1
        if number < len(document) and (letters > MOST_CHARACTERS or time.monotonic() > ends):
            notes.append(Note("pages_cut", count=number))
            break
    lost = tuple(number for number, page in enumerate(pages, start=1) if page is None)
    if len(lost) == len(pages):
        raise damaged("none of its pages can be read")
    if lost:
        notes.append(Note("pages_damaged", pages=lost))
    return pages


def _bounded(blocks: Iterator[Block], notes: list[Note]) -> Iterator[Block]:
    """Blocks until their text is longer than a document may be: cells that span many rows repeat theirs."""
    letters = 0
    for block in blocks:
        letters += len(block.text)
        if letters > MOST_CHARACTERS:
            notes.append(Note("text_cut", count=MOST_CHARACTERS))
            return
        yield block


def _kept(
    pages: Sequence[PageText | None], scanned: Sequence[int], read: Mapping[int, PictureText]
) -> list[PageText]:
    """What is used of each page: its own text, what OCR read, or nothing."""
    size = usual_size(page for number, page in enumerate(pages, start=1) if number not in scanned)
    return [
        laid_out(read[number], size)
        if number in read
        else page
        if page and number not in scanned
        else _NOTHING
        for number, page in enumerate(pages, start=1)
    ]


def _without_stamps(read: Mapping[int, PictureText]) -> dict[int, PictureText]:
    """What OCR read, but nothing of a page on which it found the stamp of a scanning program alone."""
    laid = {number: laid_out(text) for number, text in read.items()}
    pages = list(laid.values())
    return {
        number: replace(text, words=()) if is_stamped_picture(laid[number], pages) else text
        for number, text in read.items()
    }


def _ocr_notes(
    pages: Sequence[PageText | None], scanned: Sequence[int], read: Mapping[int, PictureText], mode: OcrMode
) -> Iterator[Note]:
    if mode == "off":
        found: dict[NoteKind, tuple[int, ...]] = {"pictures_without_ocr": tuple(scanned)}
    else:
        replaced = (
            n
            for n in scanned
            if (page := pages[n - 1]) and (page.unreadable or page.is_nonsense or is_nonsense(page))
        )
        found = {
            "pictures_without_text": tuple(n for n in scanned if n in read and not read[n].words),
            "text_layer_replaced": tuple(n for n in replaced if n in read and read[n].words),
            "pages_damaged": tuple(n for n in scanned if n not in read),
        }
    return (Note(kind, pages=numbers) for kind, numbers in found.items() if numbers)


def _is_scanned(page: PageText, pages: list[PageText | None]) -> bool:
    """Whether what a reader sees is a picture: without text but a stamp's, or with letters that are none."""
    if page.is_nonsense or page.unreadable > _MOST_UNREADABLE * page.letters or is_nonsense(page):
        return True
    return page.pictures >= _PICTURE and is_stamped_picture(page, [other for other in pages if other])


def _without_text(pages: list[PageText | None], scanned: bool, mode: OcrMode) -> LoadError:
    if scanned and mode != "off":
        return LoadError(
            "The PDF is scanned, and OCR found no text in its pages.",
            "Remove it, or scan it again at 300 dpi.",
        )
    if any(page and (page.unreadable or page.is_nonsense) for page in pages):
        return LoadError("The PDF's fonts do not say which characters they show.", _OCR)
    if scanned or any(page and page.pictures for page in pages):
        return LoadError("The PDF is scanned: its pages are images without text.", _OCR)
    return LoadError("The PDF has no text.", 'Remove it. If you can see text in it, set ocr = "force".')
