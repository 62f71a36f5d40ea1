"""Picture files: their pages as pixels, upright as the camera says, within bounds of size."""

import hashlib
import io
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
_LONGEST = 4000  # pixels of a side; more add nothing
_MOST_PIXELS = 12_000_000  # a sheet of A4 of that length has 11
_MOST_PAGES = 2000


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
            raise LoadError(
                f"The picture has {pages:,} pages; at most {_MOST_PAGES:,} are read.", "Split it."
            )
        for page in range(pages):
            try:
                image.seek(page)
                picture = picture_of(image)
            except (OSError, EOFError, SyntaxError, ValueError, LoadError):
                if pages == 1:
                    raise
                picture = None
            yield picture


def picture_of(image: Image.Image) -> Picture:
    """An image turned as its camera says, on white where it is transparent, no larger than is of use."""
    width, height = image.size
    if min(width, height) < _SMALLEST:
        raise LoadError(
            f"The picture has {width} × {height} pixels, too few for text.", "Scan it at 200 to 300 dpi."
        )
    if width * height > _MOST_MEGAPIXELS * 1_000_000:
        raise LoadError(
            f"The picture has {width * height // 1_000_000} megapixels; the limit is {_MOST_MEGAPIXELS}.",
            "Scan it at 300 dpi, or cut it into pages.",
        )
    if image.has_transparency_data and width * height > _MOST_CLEAR_MEGAPIXELS * 1_000_000:
        raise LoadError(
            f"The picture has {width * height // 1_000_000} megapixels with transparency; the limit is "
            f"{_MOST_CLEAR_MEGAPIXELS}.",
            "Save it without transparency.",
        )
    image.draft("RGB", (_LONGEST // 2, _LONGEST // 2))  # JPEG is decoded in a smaller size at once
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode not in ("1", "L", "P", mode) or "transparency" in image.info:
        image = image.convert(mode)
    scale = min(_LONGEST / max(image.size), (_MOST_PIXELS / (image.width * image.height)) ** 0.5)
    if scale < 1:
        shrunk = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = (image.convert("L") if image.mode == "1" else image).resize(shrunk, Image.Resampling.BOX)
    image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return Picture(np.asarray(image.convert("RGB")))


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
