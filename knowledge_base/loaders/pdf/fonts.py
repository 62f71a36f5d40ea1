"""PDFium reads a PDF the same on every machine, with a font of our own; it draws with the system's fonts."""

import ctypes
from pathlib import Path

import pypdfium2.raw as pdfium

_FOLDER = Path(__file__).parent.parent / "fonts"  # made by scripts/box_font.py
# PDFium keeps the pointer.
_PATHS = (ctypes.c_char_p * 2)(str(_FOLDER).encode(), None)
_in_use: list[bool] = []  # whether the fonts in use are the system's; empty before the first call


def use_fonts(system: bool) -> None:
    """Start PDFium anew with the system's fonts or with ours alone; no document may be open.

    With ours the measures of letters that a PDF does not carry are the same everywhere; without it a machine
    that has no Chinese font loses single characters of such PDFs, silently. Ours draws boxes.
    """
    if _in_use == [system]:
        return
    places = None if system else ctypes.cast(_PATHS, ctypes.POINTER(ctypes.POINTER(ctypes.c_char)))
    pdfium.FPDF_DestroyLibrary()
    pdfium.FPDF_InitLibraryWithConfig(pdfium.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=places))
    _in_use[:] = [system]
