"""Open PDFs: one thread at a time inside PDFium, errors as ours, pages one by one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pypdfium2

from knowledge_base.errors import LoadError
from knowledge_base.loaders.pdf.fonts import use_fonts

Source = bytes | Path

_PDFIUM = threading.Lock()  # the library must not be entered by two threads at once
_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD


@contextmanager
def opened(source: Source, to_draw: bool = False) -> Iterator[pypdfium2.PdfDocument]:
    """A PDF with its form, while no other thread is inside PDFium; `to_draw` takes the system's fonts.

    Raises:
        LoadError: it has a password or is damaged as a whole.
    """
    with _PDFIUM:
        use_fonts(system=to_draw)
        try:
            document = pypdfium2.PdfDocument(source)
        except pypdfium2.PdfiumError as error:
            if error.err_code == _PASSWORD_ERROR:
                raise LoadError("The PDF is protected by a password.", "Save it without one.") from error
            raise damaged(str(error)) from error
        try:
            if not len(document):
                raise damaged("it has no pages")
            if document.get_formtype():
                document.init_forms()
            yield document
        finally:
            document.close()


@contextmanager
def opened_page(document: pypdfium2.PdfDocument, number: int) -> Iterator[pypdfium2.PdfPage]:
    """The page of this number, from 1. Raises PdfiumError if it is damaged."""
    page = document[number - 1]
    try:
        yield page
    finally:
        page.close()


def damaged(reason: str) -> LoadError:
    """The error for a PDF that cannot be read as a whole."""
    return LoadError(f"The PDF is damaged: {reason.rstrip('.')}.", "Obtain an intact copy.")
