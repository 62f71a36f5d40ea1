"""PDF: pages, headings, paragraphs, ruled tables, and what cannot be read."""

import io
import re

import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

from knowledge_base.errors import LoadError
from knowledge_base.loaders.pdf import load_pdf, loader
from knowledge_base.ocr import Ocr, Watch, using_ocr
from tests.knowledge_base.loaders.pdf.building import drawn, texts, written

pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
BODY = ParagraphStyle("body", fontSize=10, leading=14, spaceAfter=8)
HEAD = ParagraphStyle("head", fontSize=16, leading=22, spaceAfter=8)
CHINESE = ParagraphStyle("zh", fontName="STSong-Light", fontSize=10, leading=14, wordWrap="CJK", spaceAfter=8)
GRID = [("GRID", (0, 0), (-1, -1), 0.5, "black")]
LONG = "Every customer of the bank may close an account at any time without giving a reason. " * 4


def built(story: list[object], title: str = "", footer: str = "") -> bytes:
    buffer = io.BytesIO()

    def frame(canvas: Canvas, document: SimpleDocTemplate) -> None:
        canvas.drawString(60, 30, f"{footer} {document.page}" if footer else "")

    document = SimpleDocTemplate(buffer, pagesize=A4, title=title)
    document.build(story, onFirstPage=frame, onLaterPages=frame)
    return buffer.getvalue()


def pairs(data: bytes) -> list[tuple[str, str, int | None]]:
    return [(block.kind, block.text, block.page) for block in load_pdf(data).blocks]


def test_headings_paragraphs_and_pages() -> None:
    data = built(
        [
            Paragraph("Closing", HEAD),
            Paragraph(LONG, BODY),
            Paragraph("Short.", BODY),
            PageBreak(),
            Paragraph("Opening", HEAD),
            Paragraph(LONG, BODY),
        ],
        "Accounts",
    )
    assert load_pdf(data).title == "Accounts"
    assert pairs(data) == [
        ("heading", "Closing", 1),
        ("text", LONG.strip(), 1),
        ("text", "Short.", 1),
        ("heading", "Opening", 2),
        ("text", LONG.strip(), 2),
    ]


def test_chinese_lines_are_joined_without_spaces() -> None:
    text = "港湾银行自2025年1月1日起对全部网点和电子渠道执行新的收费标准，客户可以随时在手机银行查询。" * 3
    assert pairs(built([Paragraph(text, CHINESE)])) == [("text", text, 1)]


def test_words_divided_at_a_line_end_are_joined() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(60, 700, "The customer is informed of the interest rate and of all infor-")
        canvas.drawString(60, 686, "mation that matters.")

    assert pairs(drawn(draw)) == [
        ("text", "The customer is informed of the interest rate and of all information that matters.", 1)
    ]


def test_ruled_tables_become_rows() -> None:
    table = Table(
        [["Card", "Fee", "Limit"], ["Gold", "200", "50,000"], ["Platinum", "", "150,000"]], style=GRID
    )
    assert pairs(built([Paragraph(LONG, BODY), table, Paragraph("After.", BODY)]))[1:] == [
        ("row", "Card: Gold; Fee: 200; Limit: 50,000", 1),
        ("row", "Card: Platinum; Limit: 150,000", 1),
        ("text", "After.", 1),
    ]


def test_merged_cells_of_ruled_tables() -> None:
    style = [*GRID, ("SPAN", (1, 0), (2, 0)), ("SPAN", (0, 0), (0, 1)), ("SPAN", (0, 2), (0, 3))]
    table = Table(
        [["Card", "Fee", ""], ["", "Home", "Abroad"], ["Gold", "1%", "2%"], ["", "3%", "4%"]], style=style
    )
    assert [text for _, text, _ in pairs(built([table]))] == [
        "Card: Gold; Fee / Home: 1%; Fee / Abroad: 2%",
        "Card: Gold; Fee / Home: 3%; Fee / Abroad: 4%",
    ]


def test_tables_without_lines_become_rows() -> None:
    rows = [["Card", "Annual fee", "Limit"], ["Gold card", "200", "50,000"], ["Platinum", "680", "150,000"]]
    right = [("ALIGN", (1, 0), (-1, -1), "RIGHT")]
    found = pairs(
        built([Paragraph(LONG, BODY), Table(rows, style=right, colWidths=120), Paragraph(LONG, BODY)])
    )
    assert found[1:-1] == [
        ("row", "Card: Gold card; Annual fee: 200; Limit: 50,000", 1),
        ("row", "Card: Platinum; Annual fee: 680; Limit: 150,000", 1),
    ]
    assert found[-1] == ("text", LONG.strip(), 1)


def test_a_table_continues_under_its_header_on_the_next_page() -> None:
    rows = [["Code", "Meaning", "Level"], *([f"HM-{n}", f"Meaning {n}", "low"] for n in range(60))]
    found = pairs(built([Table(rows, style=GRID)]))
    assert [text for _, text, _ in found] == [
        f"Code: HM-{n}; Meaning: Meaning {n}; Level: low" for n in range(60)
    ]
    assert {page for _, _, page in found} == {1, 2}


def test_page_headers_and_numbers_are_kept_once() -> None:
    story = [part for n in range(3) for part in (Paragraph(f"Text {n}.", BODY), PageBreak())]
    assert [text for _, text, _ in pairs(built(story, footer="The Bank, internal, page"))] == [
        "Text 0.",
        "The Bank, internal, page 1",
        "Text 1.",
        "Text 2.",
    ]


def test_lists_keep_their_items() -> None:
    items = ["• first of the papers that you bring", "• second", "1. Lock the card", "2. Call us"]
    assert [text for _, text, _ in pairs(built([Paragraph(item, BODY) for item in items]))] == [
        "- first of the papers that you bring",
        "- second",
        "1. Lock the card",
        "2. Call us",
    ]


def test_titles_that_programs_write_are_no_titles() -> None:
    for title in ("Microsoft Word - x.docx", "untitled", "fees_2026.pdf", "无标题文档"):
        assert load_pdf(built([Paragraph("Text.", BODY)], title)).title == ""


def test_an_encrypted_file_is_refused() -> None:
    with pytest.raises(LoadError, match="password"):
        load_pdf(drawn(lambda canvas: canvas.drawString(60, 700, "Secret"), encrypt="word"))


def test_a_scanned_file_names_the_remedy() -> None:
    picture = ImageReader(Image.new("RGB", (200, 300), "white"))
    with using_ocr(Ocr("off"), Watch()), pytest.raises(LoadError, match="scanned") as caught:
        load_pdf(drawn(lambda canvas: canvas.drawImage(picture, 0, 0, 595, 842)))
    assert 'ocr = "auto"' in caught.value.remedy


def test_a_damaged_page_does_not_lose_the_others() -> None:
    sound = drawn(
        lambda canvas: canvas.drawString(60, 700, "Sound"), lambda canvas: canvas.drawString(60, 700, "x")
    )
    number = re.findall(rb"(\d+) 0 obj\n<<\n/Contents", sound)[1]
    broken = re.sub(rb"\n%b 0 obj\n<<\n/Contents" % number, rb"\n%b 0 obj\n[[\n/Contents" % number, sound)
    loaded = load_pdf(broken)
    assert [block.text for block in loaded.blocks] == ["Sound", "[Damaged and not read: page 2.]"]
    assert [(note.kind, note.pages) for note in loaded.notes] == [("pages_damaged", (2,))]


def test_a_page_that_is_a_picture_is_named() -> None:
    picture = ImageReader(Image.new("RGB", (200, 300), "white"))

    def scan(canvas: Canvas) -> None:
        canvas.drawImage(picture, 0, 0, 595, 842)
        canvas.drawString(400, 20, "Scanned with an app")

    with using_ocr(Ocr("off"), Watch()):
        loaded = load_pdf(drawn(lambda canvas: canvas.drawString(60, 700, "A page of text."), scan))
    assert [(block.text[:15], block.kind) for block in loaded.blocks] == [
        ("A page of text.", "text"),
        ("[Pictures not r", "note"),
    ]
    assert [(note.kind, note.pages) for note in loaded.notes] == [("pictures_without_ocr", (2,))]
    with using_ocr(Ocr("off"), Watch()), pytest.raises(LoadError, match="scanned"):
        load_pdf(drawn(scan, scan))


def test_a_long_document_is_cut_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "MOST_CHARACTERS", 30)
    loaded = load_pdf(drawn(*(lambda canvas: canvas.drawString(60, 700, "A page of text."),) * 9))
    assert ("pages_cut", 3) in [(note.kind, note.count) for note in loaded.notes]
    assert {block.page for block in loaded.blocks} <= {1, 2, 3}


def test_letters_that_the_fonts_do_not_name_are_refused_if_they_read_as_none() -> None:
    font = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[7 0 R]>>"
    cid = (
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/DW 600"
        "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
        "/FontDescriptor<</Type/FontDescriptor/FontName/X/Flags 4>>>>"
    )

    def shown(text: str) -> bytes:
        codes = "".join(f"{ord(sign):04x}" for sign in text)
        return written(f"BT /F2 11 Tf 60 700 Td <{codes}> Tj ET", font, "", cid)

    assert [block.text for block in load_pdf(shown("Plain words")).blocks] == ["Plain words"]
    with using_ocr(Ocr("off"), Watch()), pytest.raises(LoadError, match="fonts do not say"):
        load_pdf(shown("3HQaQtS URVWaH QGN4 wHFK"))


def test_a_truncated_file_and_an_empty_page_are_refused() -> None:
    sound = built([Paragraph(LONG, BODY)])
    with pytest.raises(LoadError, match="damaged"):
        load_pdf(sound[:200])
    with pytest.raises(LoadError, match="damaged"):
        load_pdf(b"%PDF-1.7 nothing else")
    with pytest.raises(LoadError, match="no text"):
        load_pdf(drawn(lambda canvas: canvas.showPage()))


@pytest.mark.parametrize("in_grid", [True, False])
def test_names_without_lines_between_them_name_the_columns_below(in_grid: bool) -> None:
    """A dark bar with names, as many tables have: it belongs to the grid, or stands just above it."""

    def draw(canvas: Canvas) -> None:
        for number, row in enumerate((("Hall", "Seats", "Rent"), ("Oak", "40", "95"), ("Elm", "18", "60"))):
            for column, text in enumerate(row):
                canvas.drawString(64 + 90 * column, 706 - 20 * number, text)
        for across in range(0 if in_grid else 1, 4):
            canvas.line(60, 720 - 20 * across, 330, 720 - 20 * across)
        for column in range(4):
            top = 720 if column in (0, 3) and in_grid else 700
            canvas.line(60 + 90 * column, top, 60 + 90 * column, 660)

    assert texts(drawn(draw)) == ["Hall: Oak; Seats: 40; Rent: 95", "Hall: Elm; Seats: 18; Rent: 60"]


def test_a_bold_line_of_usual_size_is_a_heading_below_the_larger_ones() -> None:
    def draw(canvas: Canvas) -> None:
        for font, size, top, text in (
            ("Helvetica", 16, 760, "Report"),
            ("Helvetica-Bold", 10, 730, "Outlook"),
            ("Helvetica", 10, 716, "We expect that revenue will grow in the second half of the year."),
            ("Helvetica-Bold", 10, 690, "This bold sentence is no heading."),
            (
                "Helvetica",
                10,
                660,
                "The order book is full, and the projects of the railway begin in spring.",
            ),
            ("Helvetica", 10, 630, "Most of the letters of a document are not bold, or bold tells nothing."),
        ):
            canvas.setFont(font, size)
            canvas.drawString(60, top, text)

    found = [(block.text, block.level) for block in load_pdf(drawn(draw)).blocks if block.kind == "heading"]
    assert found == [("Report", 1), ("Outlook", 2)]
