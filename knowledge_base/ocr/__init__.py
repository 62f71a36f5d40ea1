"""Text in pictures: found, turned upright, read line by line, and kept by content.

- `Ocr` says whether and how pictures are read; `ocr_in_use` and `using_ocr` are how loaders come by it.
- `PictureText` is what was read in a picture: its words with their places.
- `open_pictures` decodes the pages of a picture file.
"""

from knowledge_base.ocr.pictures import Picture, open_pictures
from knowledge_base.ocr.text import PictureText, ReadWord
from knowledge_base.ocr.use import Ocr, OcrMode, Watch, ocr_in_use, using_ocr

__all__ = [
    "Ocr",
    "OcrMode",
    "Picture",
    "PictureText",
    "ReadWord",
    "Watch",
    "ocr_in_use",
    "open_pictures",
    "using_ocr",
]
