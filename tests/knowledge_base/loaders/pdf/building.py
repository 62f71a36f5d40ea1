"""PDFs for tests: drawn by reportlab, or written as bare objects."""

import io
from collections.abc import Callable, Sequence

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from knowledge_base.loaders.pdf import load_pdf

CHINESE = "STSong-Light"
pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
Draw = Callable[[Canvas], None]


def drawn(*pages: Draw, **options: object) -> bytes:
    """A file of pages, each drawn by its own function."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, **{"pagesize": A4, **options})
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def lines(
    texts: Sequence[str], x: float = 60, top: float = 740, size: float = 10, leading: float = 14
) -> Draw:
    """Lines below each other, in a Chinese font where one of them is Chinese."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica" if "".join(texts).isascii() else CHINESE, size)
        for number, text in enumerate(texts):
            canvas.drawString(x, top - number * leading, text)

    return draw


def together(*draws: Draw) -> Draw:
    """Several drawings on one page."""

    def draw(canvas: Canvas) -> None:
        for each in draws:
            each(canvas)

    return draw


def written(content: str, font: str = "", page: str = "", *others: str) -> bytes:
    """A file of one page from its content stream, with Helvetica as F1 and the object `font` as F2.

    `page` are further entries of the page, `others` further objects, numbered from 7 on.
    """
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[3 0 R]>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R{page}"
        "/Resources<</Font<</F1 5 0 R/F2 6 0 R>>>>>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        font or "<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>",
        *others,
    ]
    data = b"%PDF-1.7\n"
    places = []
    for number, text in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    end = f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer<</Size {count}/Root 1 0 R>>"
    return data + f"{end}\nstartxref\n{len(data)}\n%%EOF".encode()


def texts(data: bytes) -> list[str]:
    """The text of each block."""
    return [block.text for block in load_pdf(data).blocks]
