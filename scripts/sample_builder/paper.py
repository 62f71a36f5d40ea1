"""PDF documents: real pages, headings in larger type, ruled tables; Chinese in the STSong-Light CID font."""

import io
import re
from html import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

from sample_builder.form import form_table
from sample_builder.source import HAN, Block, Source

HEADING_SIZES = {1: 18, 2: 14, 3: 11.5}
BODY_SIZE, CELL_SIZE, FOOTER_SIZE = 10, 9, 7.5
NAVY = colors.HexColor("#12365c")
MARGIN = 20 * mm
TEXT_WIDTH = A4[0] - 2 * MARGIN
CHINESE_FONT = "STSong-Light"
LATIN_RUN = re.compile(r"[\x20-\x7e]+")


def build_pdf(source: Source) -> bytes:
    """Return the source as a PDF; the same source gives the same bytes."""
    if source.chinese:
        pdfmetrics.registerFont(UnicodeCIDFont(CHINESE_FONT))
    story: list[Flowable] = []
    for number, page in enumerate(source.pages):
        if number:
            story.append(PageBreak())
        for block in page:
            if source.meta.get("as") == "form" and block.kind == "table":
                story.append(form_table(block, CHINESE_FONT if source.chinese else "Helvetica"))
            else:
                story.extend(_flowables(block, source.chinese))
    buffer = io.BytesIO()
    document = _Footed(
        buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=source.title, author="Harbour Lane Bank", invariant=1,
        lang="zh-CN" if source.chinese else "en-GB",
    )  # fmt: skip
    document.build(story)
    return buffer.getvalue()


class _Footed(SimpleDocTemplate):  # type: ignore[misc]  # reportlab has no types
    """A document whose pages end with the bank's name, the title and the page number."""

    def afterPage(self) -> None:  # noqa: N802 - reportlab's name
        """Draw the footer, last, so that it also comes last in the extracted text."""
        chinese = self.lang == "zh-CN"
        self.canv.saveState()
        self.canv.setFont(CHINESE_FONT if chinese else "Helvetica", FOOTER_SIZE)
        self.canv.setFillColor(colors.grey)
        name = "港湾银行" if chinese else "Harbour Lane Bank"
        self.canv.drawString(MARGIN, 11 * mm, f"{name} · {self.title}")
        page = f"第 {self.page} 页" if chinese else f"Page {self.page}"
        self.canv.drawRightString(A4[0] - MARGIN, 11 * mm, page)
        self.canv.restoreState()


def _flowables(block: Block, chinese: bool) -> list[Flowable]:
    if block.kind == "heading":
        size = HEADING_SIZES.get(block.level, 10.5)
        style = _style(chinese, size, bold=True, color=NAVY)
        return [Paragraph(_markup(block.text, chinese, bold=True), style)]
    if block.kind == "table":
        return [Spacer(1, 4), _table(block, chinese), Spacer(1, 8)]
    bullet = {"bullet": "•", "number": f"{block.level}."}.get(block.kind)
    style = _style(chinese, BODY_SIZE, indent=14 if bullet or block.kind == "quote" else 0)
    return [Paragraph(_markup(block.text, chinese), style, bulletText=bullet)]


def _style(
    chinese: bool, size: float, *, bold: bool = False, indent: float = 0,
    color: colors.Color = colors.black,
) -> ParagraphStyle:  # fmt: skip
    latin = "Helvetica-Bold" if bold else "Helvetica"
    return ParagraphStyle(
        "sample", fontName=CHINESE_FONT if chinese else latin, fontSize=size, leading=size * 1.4,
        textColor=color, spaceBefore=size * 0.6 * bold, spaceAfter=5, leftIndent=indent,
        keepWithNext=int(bold), wordWrap="CJK" if chinese else None,
    )  # fmt: skip


def _markup(text: str, chinese: bool, *, bold: bool = False) -> str:
    """Escape the text; in Chinese, runs of Latin letters and digits get a Latin font, better spaced."""
    if not chinese:
        return escape(text, quote=False)
    font = "Helvetica-Bold" if bold else "Helvetica"
    parts = []
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", text):
        latin = LATIN_RUN.fullmatch(run)
        parts.append(f'<font name="{font}">{escape(run, quote=False)}</font>' if latin else run)
    return "".join(parts)


def _table(block: Block, chinese: bool) -> Table:
    head = _style(chinese, CELL_SIZE, bold=True, color=colors.white)
    body = _style(chinese, CELL_SIZE)
    cells = [
        [Paragraph(_markup(cell, chinese, bold=not number), body if number else head) for cell in row]
        for number, row in enumerate(block.rows)
    ]
    table = Table(cells, colWidths=_widths(block.rows), repeatRows=1, hAlign="LEFT")
    table.setStyle([
        ("BACKGROUND", (0, 0), (-1, 0), NAVY),
        ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    ])  # fmt: skip
    return table


def _widths(rows: tuple[tuple[str, ...], ...]) -> list[float]:
    """Share the text width by each column's longest cell (a Chinese character counts twice)."""
    columns = zip(*rows, strict=True)
    longest = [max(len(cell) + len(HAN.findall(cell)) for cell in column) for column in columns]
    natural = [(length + 3) * CELL_SIZE * 0.56 for length in longest]
    scale = min(1.0, TEXT_WIDTH / sum(natural))
    return [width * scale for width in natural]
