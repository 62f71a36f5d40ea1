"""Signs: what cannot be read is shown as such, radicals and symbols become ordinary characters."""

import re

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from knowledge_base.loaders.pdf import load_pdf
from tests.knowledge_base.loaders.pdf.building import drawn, lines, texts, together, written

_MAP = (
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <FF> "
    "endcodespacerange {} beginbfchar {} endbfchar endcmap end end"
)


def with_map(
    content: str, pairs: str, count: int, base: str = "/BaseFont/Helvetica/Encoding/WinAnsiEncoding"
) -> bytes:
    """A page whose second font gives these characters to its codes."""
    cmap = _MAP.format(count, pairs)
    font = f"<</Type/Font/Subtype/Type1{base}/ToUnicode 7 0 R>>"
    return written(content, font, "", f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream")


def test_a_sign_that_names_no_character_is_shown_and_counted() -> None:
    content = r"BT /F1 11 Tf 60 700 Td (2023: ) Tj /F2 11 Tf (\003) Tj /F1 11 Tf (648.9 million) Tj ET"
    symbol = "/BaseFont/Symbol/Encoding<</Type/Encoding/Differences[3/minus]>>"
    loaded = load_pdf(with_map(content, "<03> <FFFD>", 1, symbol))
    assert [block.text for block in loaded.blocks] == ["2023: \ufffd648.9 million"]
    assert [(note.kind, note.count) for note in loaded.notes] == [("signs_unreadable", 1)]


def test_radicals_and_ligatures_become_ordinary_characters() -> None:
    content = "BT /F2 11 Tf 60 700 Td (abcd) Tj ET"
    pairs = "<61> <2ED3> <62> <2EDB> <63> <2F00> <64> <FB01>"
    assert texts(with_map(content, pairs, 4)) == ["长风一fi"]


def test_signs_beyond_the_basic_plane_leave_the_words_after_them_whole() -> None:
    content = "BT /F2 11 Tf 60 700 Td (abc) Tj /F1 11 Tf ( is the rate of tax) Tj ET"
    pairs = "<61> <D835DC5F> <62> <003D> <63> <D835DC61>"
    assert texts(with_map(content, pairs, 3)) == ["\U0001d45f=\U0001d461 is the rate of tax"]


def test_symbols_of_private_codes_are_named() -> None:
    content = "BT /F2 11 Tf 60 700 Td (ab) Tj /F1 11 Tf ( The first item) Tj ET"
    assert texts(with_map(content, "<61> <F0FC> <62> <F06F>", 2)) == ["✓□ The first item"]


def test_raised_digits_stay_apart_from_those_before() -> None:
    width = stringWidth("Leukocytes 10", "Helvetica", 10)
    raised = together(
        lines(["Leukocytes 10"], size=10),
        lines(["9"], x=60 + width, top=744, size=6),
        lines(["/L"], x=63.5 + width),
    )
    assert texts(drawn(raised)) == ["Leukocytes 10⁹/L"]


def test_characters_whose_boxes_are_their_ink_stay_in_their_line() -> None:
    pdfmetrics.registerFont(TTFont("Vera", "Vera.ttf"))  # comes with reportlab

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Vera", 11)
        canvas.drawString(60, 700, "Please call 617-387-7625, or write.")

    flat = re.sub(rb"/(Ascent|Descent) [-.\d]+", rb"/\1 1", drawn(draw))
    assert texts(flat) == ["Please call 617-387-7625, or write."]
