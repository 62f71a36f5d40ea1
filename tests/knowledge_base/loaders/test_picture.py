"""Pictures as files."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from knowledge_base.errors import LoadError, UnreadFormatError
from knowledge_base.loaders import parse
from knowledge_base.notes import Note
from knowledge_base.ocr import Ocr, Watch, open_pictures, using_ocr
from tests.knowledge_base.ocr.drawing import SENTENCES, encoded, table, written

ROWS = (
    ("Product", "Term", "Rate"),
    ("Fixed deposit", "3 months", "1.10 %"),
    ("Notice account", "7 days", "0.45 %"),
    ("Savings plan", "12 months", "1.35 %"),
)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP"])
def test_every_kind_is_read(kind: str) -> None:
    suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
    loaded = parse(encoded(written(SENTENCES), kind), suffix)
    assert " ".join(block.text for block in loaded.blocks) == " ".join(SENTENCES)
    assert all(block.page == 1 and block.ocr is not None and block.ocr > 0.9 for block in loaded.blocks)


@pytest.mark.parametrize("ruled", [False, True])
def test_tables_keep_their_rows(ruled: bool) -> None:
    loaded = parse(encoded(table(ROWS, ruled)), "png")
    assert [block.text for block in loaded.blocks] == [
        "Product: Fixed deposit; Term: 3 months; Rate: 1.10 %",
        "Product: Notice account; Term: 7 days; Rate: 0.45 %",
        "Product: Savings plan; Term: 12 months; Rate: 1.35 %",
    ]
    assert {block.kind for block in loaded.blocks} == {"row"}


def test_a_tiff_has_pages_and_empty_ones_are_named() -> None:
    pages = [written(SENTENCES[:1]), Image.new("RGB", (900, 240), "white"), written(SENTENCES[1:2])]
    loaded = parse(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "tiff")
    assert [(block.text, block.page) for block in loaded.blocks] == [
        (SENTENCES[0], 1),
        ("[OCR found no text in the picture of page 2.]", 2),
        (SENTENCES[1], 3),
    ]
    assert loaded.notes == (Note("pictures_without_text", pages=(2,)),)


def test_a_photograph_is_turned_as_its_camera_recorded() -> None:
    turned = written(SENTENCES).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    loaded = parse(encoded(turned, "JPEG", exif=exif), "jpeg")
    assert " ".join(block.text for block in loaded.blocks) == " ".join(SENTENCES)


def test_what_is_transparent_is_white() -> None:
    image = Image.new("RGBA", (900, 240), (0, 0, 0, 0))
    image.putalpha(ImageOps.invert(written(SENTENCES).convert("L")))
    assert parse(encoded(image), "png").blocks[0].text.startswith("The annual fee")


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "I;16"])
def test_a_large_picture_is_shrunk_without_seams(mode: str) -> None:
    height, width = 4_300, 600
    grey = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    depth = 257 if mode == "I;16" else 1
    image = Image.fromarray((grey * depth).astype(np.uint16 if depth > 1 else np.uint8))
    (picture,) = open_pictures(encoded(image if depth > 1 else image.convert(mode)))
    assert picture is not None
    assert picture.pixels.shape == (4_000, 558, 3)
    assert np.ptp(picture.pixels, axis=(1, 2)).max() == 0
    assert np.abs(picture.pixels[:, 0, 0] - np.linspace(0, 255, 4_000)).max() < 2  # noqa: PLR2004 - rounded twice


@pytest.mark.parametrize(
    ("data", "cause", "remedy"),
    [
        (encoded(Image.new("RGB", (1, 1))), "1 × 1 pixels", "200 to 300 dpi"),
        (encoded(Image.new("1", (10_000, 10_000))), "100 megapixels", "300 dpi"),
        (encoded(Image.new("LA", (5_100, 5_000))), "25 megapixels with transparency", "without transparency"),
        (encoded(Image.new("L", (5_100, 4_000)), "WEBP"), "20 megapixels in WebP", "JPEG or PNG"),
        (encoded(written(SENTENCES))[:3000], "damaged", "intact copy"),
        (encoded(written(SENTENCES), "JPEG")[:3000], "damaged", "intact copy"),
        (encoded(Image.new("RGB", (600, 800), "white")), "no text", "scan it again"),
    ],
    ids=["pixel", "huge", "transparent", "webp", "truncated png", "truncated jpeg", "blank"],
)
def test_what_cannot_be_read_says_why(data: bytes, cause: str, remedy: str) -> None:
    with pytest.raises(LoadError, match=cause) as caught:
        parse(data, "png")
    assert remedy in caught.value.remedy


def test_pictures_are_not_read_when_ocr_is_off() -> None:
    with using_ocr(Ocr("off"), Watch()), pytest.raises(UnreadFormatError, match="OCR is off"):
        parse(encoded(written(SENTENCES)), "png")
