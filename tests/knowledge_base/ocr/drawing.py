"""Pictures of text for tests, in the font that Pillow carries."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

SENTENCES = (
    "The annual fee of the platinum card is 680 yuan.",
    "A lost card is blocked within one minute.",
    "Complaints are answered within fifteen days.",
)


def written(lines: Sequence[str], size: int = 28, shape: tuple[int, int] = (900, 240)) -> Image.Image:
    """Lines of black text below each other on white."""
    image = Image.new("RGB", shape, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    for number, line in enumerate(lines):
        draw.text((30, 20 + number * size * 2), line, font=font, fill="black")
    return image


def table(rows: Sequence[Sequence[str]], ruled: bool = False) -> Image.Image:
    """Cells 260 pixels wide, with or without lines between them."""
    image = Image.new("RGB", (60 + 260 * len(rows[0]), 60 + 60 * len(rows)), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            draw.text((40 + 260 * x, 42 + 60 * y), cell, font=font, fill="black")
            if ruled:
                draw.rectangle(
                    (30 + 260 * x, 30 + 60 * y, 290 + 260 * x, 90 + 60 * y), outline="black", width=2
                )
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
