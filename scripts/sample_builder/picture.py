"""Papers as scanners and telephones bring them: the pages of a PDF as pictures, without any text."""

import io

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from sample_builder.paper import build_pdf
from sample_builder.source import Source

SCAN_DPI, PHOTO_DPI = 150, 140
SLANT = 0.4  # degrees
PAPER, NOISE = 242, 3.0  # grey levels
QUALITY = 45
TRAPEZE = (0.02, 0.015, 0.05, 0.03)  # of width and height: how far the corners of a photograph are off


def build_scan(source: Source) -> bytes:
    """Return the source as an office scanner saves it: a PDF of grey pictures, slightly turned."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, invariant=1)
    for page in _pages(source, SCAN_DPI):
        grey = page.convert("L").rotate(SLANT, Image.Resampling.BICUBIC, fillcolor=255)
        width, height = (side * 72 / SCAN_DPI for side in grey.size)
        canvas.setPageSize((width, height))
        canvas.drawImage(ImageReader(io.BytesIO(_jpeg(_noisy(grey)))), 0, 0, width, height)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def build_photo(source: Source) -> bytes:
    """Return the first page as a photograph of it: seen at an angle, in uneven light."""
    page = _pages(source, PHOTO_DPI)[0].convert("L")
    width, height = page.size
    page = page.crop((0, 0, width, height * 55 // 100))  # these notices fill half of the sheet
    width, height = page.size
    left, top, right, bottom = (part * width for part in TRAPEZE)
    corners = (-left, -top, -right, height + bottom, width + right, height + top, width + left, -bottom)
    seen = page.transform(page.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=255)
    light = np.linspace(0.82, 1.0, width)[None, :] * np.linspace(1.0, 0.88, height)[:, None]
    shaded = Image.fromarray((np.asarray(seen) * light).clip(0, 255).astype(np.uint8))
    return _jpeg(_noisy(shaded.filter(ImageFilter.GaussianBlur(0.6))))


def _pages(source: Source, dpi: int) -> list[Image.Image]:
    return [page.render(scale=dpi / 72).to_pil() for page in pypdfium2.PdfDocument(build_pdf(source))]


def _noisy(grey: Image.Image) -> Image.Image:
    """Paper is not quite white, and no two pixels of it are alike."""
    noise = np.random.default_rng(0).normal(0, NOISE, (grey.height, grey.width))
    return Image.fromarray((np.asarray(grey) * (PAPER / 255) + noise).clip(0, 255).astype(np.uint8))


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
