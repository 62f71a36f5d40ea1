"""Pictures as files: scans and photographs, read by OCR, page by page."""

from knowledge_base.errors import LoadError, UnreadFormatError
from knowledge_base.loaders.pdf.frame import without_frames
from knowledge_base.loaders.pdf.paragraphs import blocks_of
from knowledge_base.loaders.pdf.scanned import laid_out, with_confidence, with_notes
from knowledge_base.notes import Note
from knowledge_base.ocr import PictureText, ocr_in_use, open_pictures
from knowledge_base.values import LoadedFile


def load_picture(data: bytes) -> LoadedFile:
    """Read a picture; the pages of a TIFF are the document's pages.

    Raises:
        UnreadFormatError: OCR is off.
        LoadError: it is damaged, too small or too large, or shows no text.
    """
    ocr, watch = ocr_in_use()
    if ocr.mode == "off":
        raise UnreadFormatError("The file is a picture, and OCR is off.", 'Set ocr = "auto" to have it read.')
    pages = list(ocr.read(open_pictures(data), watch))
    read = {number: page for number, page in enumerate(pages, start=1) if page and page.words}
    if not read:
        raise LoadError("OCR found no text in the picture.", "Remove it, or scan it again at 300 dpi.")
    laid = [laid_out(page or PictureText(1, 1)) for page in pages]
    blocks = tuple(with_confidence(blocks_of(without_frames(laid)), read))
    empty = tuple(number for number, page in enumerate(pages, start=1) if page and not page.words)
    damaged = tuple(number for number, page in enumerate(pages, start=1) if page is None)
    both = (Note("pictures_without_text", pages=empty), Note("pages_damaged", pages=damaged))
    notes = tuple(note for note in both if note.pages)
    return LoadedFile("", tuple(with_notes(blocks, notes)), notes)
