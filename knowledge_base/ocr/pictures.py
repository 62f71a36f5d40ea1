"""Picture files: their pages as pixels, upright as the camera says, within bounds of size."""

import hashlib
import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from knowledge_base.errors import LoadError

Pixels = NDArray[np.uint8]

SUFFIXES = ("bmp", "jpeg", "jpg", "png", "tif", "tiff", "webp")

_SMALLEST = 12  # pixels: no line of text is lower
_MOST_MEGAPIXELS = 60  # a sheet of A4 at 600 dpi has 35
_MOST_CLEAR_MEGAPIXELS = 25  # with transparency, which takes three times as much memory
_MOST_WEBP_MEGAPIXELS = 20  # of WebP, for which Pillow needs four times as much
_LONGEST = 4000  # pixels of a side; more add nothing
_MOST_PIXELS = 12_000_000  # a sheet of A4 of that length has 11
_MOST_PAGES = 2000
_STRIP = 256  # rows


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels [height, width, 3] in the order red, green, blue."""

    pixels: Pixels

    @property
    def digest(self) -> str:
        """The identity of what the picture shows."""
        digest = hashlib.sha256(np.array(self.pixels.shape, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.hexdigest()


def open_pictures(data: bytes) -> Iterator[Picture | None]:
    """The pages of a picture file, one by one, None for a damaged one of several.

    Raises:
        LoadError: it is damaged, or too small or too large to be read.
    """
    with _decoding(), Image.open(io.BytesIO(data)) as image:
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if pages > _MOST_PAGES:
        raise LoadError(f"The picture has {pages:,} pages; at most {_MOST_PAGES:,} are read.", "Split it.")
    for page in range(pages):
        try:
            picture = Picture(np.asarray(_upright(data, page)))
        except LoadError:
            if pages == 1:
                raise
            picture = None
        yield picture


def _upright(data: bytes, page: int) -> Image.Image:
    """A page turned as its camera says, on white where it is transparent, no larger than is of use.

    The file is opened for each page anew: what Pillow decoded is not kept while OCR reads.
    """
    with _decoding(), Image.open(io.BytesIO(data)) as image:
        image.seek(page)
        _check_size(image)
        image.draft("RGB", (_LONGEST // 2, _LONGEST // 2))  # JPEG is decoded in a smaller size at once
        return ImageOps.exif_transpose(_scaled(image))


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if min(width, height) < _SMALLEST:
        raise LoadError(
            f"The picture has {width} × {height} pixels, too few for text.", "Scan it at 200 to 300 dpi."
        )
    most, kind, remedy = _MOST_MEGAPIXELS, "", "Scan it at 300 dpi, or cut it into pages."
    if image.has_transparency_data:
        most, kind, remedy = _MOST_CLEAR_MEGAPIXELS, " with transparency", "Save it without transparency."
    if image.format == "WEBP":
        most, kind, remedy = _MOST_WEBP_MEGAPIXELS, " in WebP", "Save it as JPEG or PNG."
    if width * height > most * 1_000_000:
        size = width * height // 1_000_000
        raise LoadError(f"The picture has {size} megapixels{kind}; the limit is {most}.", remedy)


def _scaled(image: Image.Image) -> Image.Image:
    """An image in red, green and blue, strip by strip: the whole of it twice would take much memory."""
    scale = min(_LONGEST / max(image.size), (_MOST_PIXELS / (image.width * image.height)) ** 0.5, 1.0)
    width, height = (max(1, round(side * scale)) for side in image.size)
    scaled = Image.new("RGB", (width, height), "white")
    scaled.info = image.info  # which tells how to turn it
    mode = "RGBA" if image.has_transparency_data else "RGB"
    for top in range(0, height, _STRIP):
        rows = min(_STRIP, height - top)
        first, end = top / height * image.height, (top + rows) / height * image.height
        strip = image.crop((0, int(first), image.width, math.ceil(end)))
        if image.mode.startswith("I;16"):  # Pillow would cut its values off at 255
            strip = strip.point(lambda value: value / 256)
        strip = strip.convert(mode)
        box = (0, first - int(first), image.width, end - int(first))
        strip = strip.resize((width, rows), Image.Resampling.BOX, box)
        scaled.paste(strip, (0, top), strip if mode == "RGBA" else None)
    return scaled


@contextmanager
def _decoding() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, which has a bound of its own
        try:
            yield
        except UnidentifiedImageError as error:
            raise LoadError("The file is not a picture, or is damaged.", "Obtain an intact copy.") from error
        except Image.DecompressionBombError as error:
            raise LoadError(
                f"The picture has more than {_MOST_MEGAPIXELS} megapixels.",
                "Scan it at 300 dpi, or cut it into pages.",
            ) from error
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise LoadError(f"The picture is damaged: {error}.", "Obtain an intact copy.") from error
