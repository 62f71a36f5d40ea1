"""What people filled in: values of form fields and text that was typed on a page, at their places."""

import ctypes
from collections.abc import Iterator

import pypdfium2
import pypdfium2.raw as pdfium

from knowledge_base.characters import has_chinese, ordinary
from knowledge_base.loaders.pdf.words import Box, Word

_HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13  # flag of a text field
_TYPED = (pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_TEXT)
_CHOICES = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_VALUES = (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX)
_LARGEST = 11.0  # points of letters in a field
_LINE = 1.2  # times the letters' size
_WIDE, _NARROW = 1.0, 0.5  # widths of a Chinese character and about of a letter
_TICKED, _EMPTY = "☑", "☐"


def filled_words(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, visible: Box) -> list[Word]:
    """Values of fields, ticks of boxes, and typed text, each line as one word."""
    words: list[Word] = []
    for index in range(pdfium.FPDFPage_GetAnnotCount(page.raw)):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            words += _words(document, annotation, visible)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return words


def _words(document: pypdfium2.PdfDocument, annotation: object, visible: Box) -> Iterator[Word]:
    if pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
        return
    kind = pdfium.FPDFAnnot_GetSubtype(annotation)
    text = ""
    if kind == pdfium.FPDF_ANNOT_WIDGET and document.formenv:
        text = _value(document.formenv.raw, annotation)
    elif kind in _TYPED:
        text = _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")
    lines = [line.strip() for line in ordinary(text).splitlines() if line.strip()]
    rectangle = pdfium.FS_RECTF()
    if not lines or not pdfium.FPDFAnnot_GetRect(annotation, rectangle):
        return
    left, right = rectangle.left - visible[0], rectangle.right - visible[0]
    bottom, top = sorted((rectangle.bottom - visible[1], rectangle.top - visible[1]))
    size = min(_LARGEST, (top - bottom) / len(lines) / _LINE)
    upper = (bottom + top + size * _LINE * len(lines)) / 2
    for line in lines:
        width = size * sum(_WIDE if has_chinese(sign) else _NARROW for sign in line)
        yield Word(
            line, left, upper - size * _LINE, min(max(right, left + 1), left + width), upper, size, True, True
        )
        upper -= size * _LINE


def _value(form: object, annotation: object) -> str:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind in _CHOICES:
        return _TICKED if pdfium.FPDFAnnot_IsChecked(form, annotation) else _EMPTY
    if kind in _VALUES and not pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return _string(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
    return ""


def _string(get: object, *place: object) -> str:
    """A text that PDFium gives in UTF-16, asked for its length first."""
    size = get(*place, None, 0)  # type: ignore[operator]
    buffer = ctypes.create_string_buffer(size)
    get(*place, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)  # type: ignore[operator]
    return buffer.raw[: max(size - 2, 0)].decode("utf-16-le", "replace")
