"""The picture of a document's page, with a quoted text marked on it."""

import io
from itertools import islice
from typing import NamedTuple

import numpy as np
from PIL import Image

from knowledge_base.errors import NotFoundError
from knowledge_base.loaders.pdf.scanned import draw_page, picture_boxes
from knowledge_base.loaders.pdf.view import PlacedText, find_text, page_boxes, render_page
from knowledge_base.ocr import Ocr, Picture, Watch, open_pictures
from knowledge_base.ocr.pictures import Pixels

_MARK = np.array([255, 226, 92]) / 255  # what white becomes under a mark
_MARGIN = 0.002  # of the page's width around a mark


class PagePicture(NamedTuple):
    """A page as PNG, and how far down the first mark is, 0…1 of its height; None without marks."""

    png: bytes
    marked_at: float | None


def show_page(data: bytes, suffix: str, page: int, width: int, quote: str, ocr: Ocr | None) -> PagePicture:
    """A page (from 1), about `width` pixels wide, upright, with `quote` marked where it stands on it.

    Args:
        data: the file.
        suffix: of the file, one for which there are pictures.
        page: its number.
        width: of the picture, at most.
        quote: a text of the page; "" marks nothing.
        ocr: what read the page, None if its text comes from the file.

    Raises:
        NotFoundError: there is no such page.
        LoadError: the file is damaged.
    """
    if suffix == "pdf" and ocr is None:
        drawn = np.asarray(Image.open(io.BytesIO(render_page(data, page, width))).convert("RGB"))
        marks = find_text(page_boxes(data, page), quote) if quote else ()
        return _marked(drawn, marks)
    picture = draw_page(data, page) if suffix == "pdf" else _page_of(data, page)
    pixels = picture.pixels
    marks = ()
    if ocr is not None and (text := next(ocr.read([picture], Watch()))):
        pixels = np.rot90(pixels, -text.quarters)
        marks = find_text(picture_boxes(text), quote) if quote else ()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((width, 10 * width), Image.Resampling.LANCZOS)
    return _marked(np.asarray(image), marks)


def _page_of(data: bytes, page: int) -> Picture:
    found = next(islice(open_pictures(data), page - 1, page), None) if page > 0 else None
    if found is None:
        raise NotFoundError(f"There is no page {page}.", "Choose one that the document has.")
    return found


def _marked(pixels: Pixels, marks: tuple[PlacedText, ...]) -> PagePicture:
    marked = pixels.copy()
    height, width = marked.shape[:2]
    for mark in marks:
        left, right = (round(edge * width) for edge in (mark.left - _MARGIN, mark.right + _MARGIN))
        top, bottom = (round(edge * height) for edge in (mark.top, mark.bottom))
        area = marked[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        area[:] = (area * _MARK).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(marked).save(buffer, "PNG")
    return PagePicture(buffer.getvalue(), min((mark.top for mark in marks), default=None))
