"""PDF pages that are pictures."""

import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from knowledge_base.errors import LoadError
from knowledge_base.loaders.pdf import load_pdf
from knowledge_base.notes import Note
from knowledge_base.ocr import Ocr, OcrMode, Watch, using_ocr
from knowledge_base.values import LoadedFile
from tests.knowledge_base.loaders.pdf.building import Draw, drawn, lines, together
from tests.knowledge_base.ocr.drawing import SENTENCES, written

TEXT = ["Clause 1. The bank keeps the papers of the loan in its vault."]


LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHIFTED = str.maketrans(LETTERS, LETTERS[3:] + LETTERS[:3])


def scan(image: Image.Image) -> Draw:
    """A page that is a picture, as wide as the paper."""

    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(image), 0, 0, 595, 595 * image.height / image.width)

    return draw


def page_of(text: list[str], angle: int = 0) -> Image.Image:
    """A sheet of paper at some 110 dpi."""
    return written(text, 24, (910, 1280)).rotate(angle, expand=True)


def load(data: bytes, mode: OcrMode = "auto") -> LoadedFile:
    with using_ocr(Ocr(mode), Watch()):
        return load_pdf(data)


def texts(loaded: LoadedFile, page: int) -> str:
    return " ".join(block.text for block in loaded.blocks if block.page == page)


def test_pages_without_text_are_read_and_the_others_keep_theirs() -> None:
    loaded = load(drawn(lines(TEXT), scan(page_of(list(SENTENCES)))))
    assert (texts(loaded, 1), texts(loaded, 2)) == (TEXT[0], " ".join(SENTENCES))
    assert [block.ocr is None for block in loaded.blocks][0]
    assert all((block.ocr or 0) > 0.9 for block in loaded.blocks if block.page == 2)
    assert loaded.notes == ()


def test_turned_pages_are_read() -> None:
    assert texts(load(drawn(scan(page_of(list(SENTENCES), 90)))), 1) == " ".join(SENTENCES)


def test_what_is_not_read_is_noted() -> None:
    data = drawn(lines(TEXT), scan(page_of(list(SENTENCES))), scan(page_of([])))
    off = load(data, "off")
    assert off.notes == (Note("pictures_without_ocr", pages=(2, 3)),)
    assert [(block.page, block.kind) for block in off.blocks] == [(1, "text"), (2, "note"), (3, "note")]
    read = load(data)
    assert read.notes == (Note("pictures_without_text", pages=(3,)),)
    assert read.blocks[-1].text == "[OCR found no text in the picture of page 3.]"


def test_a_stamp_on_a_scan_is_not_its_text() -> None:
    stamp = lines(["Scanned by CamScanner"], top=20)
    loaded = load(drawn(*(together(scan(page_of([sentence])), stamp) for sentence in SENTENCES[:2])))
    assert SENTENCES[1] in texts(loaded, 2)


def test_a_stamp_alone_is_no_text_of_a_scan() -> None:
    stamped = together(scan(page_of([])), lines(["Scanned by an app"], top=700))
    assert load(drawn(lines(TEXT), stamped)).notes == (Note("pictures_without_text", pages=(2,)),)
    with pytest.raises(LoadError, match="OCR found no text"):
        load(drawn(stamped))


def test_ocr_wins_over_a_text_layer_that_is_nonsense() -> None:
    shown = page_of(list(SENTENCES))
    nonsense = [sentence.translate(SHIFTED) for sentence in SENTENCES]
    loaded = load(drawn(together(lines(nonsense), scan(shown))))
    assert texts(loaded, 1) == " ".join(SENTENCES)
    assert loaded.notes == (Note("text_layer_replaced", pages=(1,)),)


def test_a_sound_text_layer_is_kept_unless_ocr_is_forced() -> None:
    data = drawn(together(lines(TEXT * 6), scan(page_of(list(SENTENCES)))))
    assert TEXT[0] in texts(load(data), 1)
    assert texts(load(data, "force"), 1) == " ".join(SENTENCES)


def test_a_blank_scan_says_what_to_do() -> None:
    with pytest.raises(LoadError, match="OCR found no text") as caught:
        load(drawn(scan(page_of([]))))
    assert "300 dpi" in caught.value.remedy
