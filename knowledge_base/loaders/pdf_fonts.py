"""PDFium reads a PDF the same on every machine: with a font of our own, and none of the system's."""

import ctypes
from functools import cache
from pathlib import Path

import pypdfium2.raw as pdfium

_FOLDER = Path(__file__).parent / "fonts"  # made by scripts/box_font.py
# PDFium keeps the pointer.
_PATHS = (ctypes.c_char_p * 2)(str(_FOLDER).encode(), None)


@cache
def use_own_font() -> None:
    """Start PDFium anew with our font in place of the system's; a second call does nothing.

    Without this a machine that has no Chinese font loses single characters of PDFs that do not carry theirs,
    silently. No document may be open when it is called first.
    """
    places = ctypes.cast(_PATHS, ctypes.POINTER(ctypes.POINTER(ctypes.c_char)))
    pdfium.FPDF_DestroyLibrary()
    pdfium.FPDF_InitLibraryWithConfig(pdfium.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=places))
