"""Pictures of pages with a text marked on them."""

import io

import numpy as np
import pytest
from PIL import Image

from knowledge_base.errors import NotFoundError
from knowledge_base.loaders import has_pictures
from knowledge_base.loaders.shown import show_page
from knowledge_base.ocr import Ocr
from tests.knowledge_base.loaders.pdf.building import drawn, lines
from tests.knowledge_base.ocr.drawing import SENTENCES, encoded, written


def marked_rows(png: bytes) -> set[int]:
    """The tenths of the picture's height, from above, in which something is marked yellow."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
    yellow = (pixels[..., 0] > 200) & (pixels[..., 2] < 130)
    return {int(10 * row / len(pixels)) for row in np.flatnonzero(yellow.any(axis=1))}


def test_a_sentence_is_marked_on_a_page_with_text() -> None:
    data = drawn(lines(["Other text."]), lines(SENTENCES, top=760, leading=250))
    png, place = show_page(data, "pdf", 2, 500, SENTENCES[1], None)
    assert Image.open(io.BytesIO(png)).width == 500
    assert marked_rows(png) == {3}
    assert place == pytest.approx(0.39, abs=0.02)
    plain = show_page(data, "pdf", 2, 500, "", None)
    assert (marked_rows(plain.png), plain.marked_at) == (set(), None)


@pytest.mark.parametrize("angle", [0, 90, 180, 2])
def test_a_sentence_is_marked_on_a_picture_that_is_set_upright(angle: int) -> None:
    image = written(SENTENCES, shape=(900, 240)).rotate(angle, expand=True, fillcolor="white")
    png, place = show_page(encoded(image), "png", 1, 600, SENTENCES[1], Ocr())
    shown = Image.open(io.BytesIO(png))
    assert shown.width == 600 > shown.height
    assert marked_rows(png) <= {2, 3, 4, 5}
    assert marked_rows(png) & {3, 4}
    assert place is not None
    assert 0.2 < place < 0.5


def test_a_sentence_over_two_lines_is_marked_on_both() -> None:
    words = SENTENCES[0].split()
    image = written([" ".join(words[:5]), " ".join(words[5:]), SENTENCES[1]], shape=(900, 240))
    assert marked_rows(show_page(encoded(image), "png", 1, 900, SENTENCES[0], Ocr()).png) >= {1, 3}


def test_pages_that_are_not_there_are_not_found() -> None:
    with pytest.raises(NotFoundError, match="no page 2"):
        show_page(encoded(written(SENTENCES)), "png", 2, 500, "", None)
    with pytest.raises(NotFoundError, match="no page 2"):
        show_page(drawn(lines(SENTENCES)), "pdf", 2, 500, "", None)


def test_only_pdfs_and_pictures_have_pictures() -> None:
    assert [has_pictures(suffix) for suffix in ("pdf", "png", "tiff", "docx", "txt")] == [True] * 3 + [
        False
    ] * 2
