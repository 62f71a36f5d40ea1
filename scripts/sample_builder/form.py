"""A printed form that somebody has filled in: each value of the table is a field of the PDF."""

from typing import Any

from reportlab.lib import colors
from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFDictionary,
    PDFName,
    PDFObjectReference,
    PDFString,
    xObjectName,
)
from reportlab.platypus import Flowable, Table

from sample_builder.source import Block

SIZE, HEIGHT, NAME_WIDTH, FIELD_WIDTH = 10, 20, 150, 280
PRINTED = 4  # flag of an annotation


def form_table(block: Block, font: str) -> Table:
    """Return the rows of a table of two columns: the name printed, the value as a filled field."""
    rows = [
        [name, _Field(value, f"field{number}", font)] for number, (name, value) in enumerate(block.rows[1:])
    ]
    table = Table(rows, colWidths=[NAME_WIDTH, FIELD_WIDTH], rowHeights=HEIGHT, hAlign="LEFT")
    table.setStyle([
        ("FONT", (0, 0), (0, -1), font, SIZE),
        ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ])  # fmt: skip
    return table


class _Field(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A text field with its value. reportlab's own fields hold no Chinese."""

    def __init__(self, value: str, name: str, font: str) -> None:
        super().__init__()
        self.width, self.height = FIELD_WIDTH - 20, HEIGHT - 6
        self._value, self._name, self._font = value, name, font

    def draw(self) -> None:
        """Add the field at this place of the page, with its appearance."""
        canvas: Any = self.canv
        canvas.beginForm(self._name, 0, 0, self.width, self.height)
        canvas.setFont(self._font, SIZE)
        canvas.drawString(2, 3, self._value)
        canvas.endForm()
        left, bottom = canvas.absolutePosition(0, 0)
        appearance = PDFObjectReference(xObjectName(self._name))
        widget = PDFDictionary({
            "Type": PDFName("Annot"), "Subtype": PDFName("Widget"), "FT": PDFName("Tx"), "F": PRINTED,
            "T": PDFString(self._name), "V": PDFString(self._value),
            "Rect": PDFArray([left, bottom, left + self.width, bottom + self.height]),
            "AP": PDFDictionary({"N": appearance}),
        })  # fmt: skip
        canvas._addAnnotation(widget)  # noqa: SLF001 - as reportlab's own fields do
        canvas.acroForm.fields.append(canvas.acroForm.getRef(widget))
