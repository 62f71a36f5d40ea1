"""Reading order: columns, turned pages, vertical Chinese, rows that are drawn by columns."""

import pytest
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from tests.knowledge_base.loaders.pdf.building import CHINESE, drawn, lines, texts, together, written

ENGLISH = (
    "The guarantor shall pay the creditor on first demand and without objection. The guarantee is final "
    "and expires on the last day of the month that follows full repayment of the loan. No waiver of any term "
    "is valid unless it is made in writing and signed by both parties to this agreement. Notices are sent to "
    "the address of each party and are deemed received on the third working day after posting. "
)
ZH = (
    "保证人应当在债权人首次书面要求后无条件支付款项。保证不可撤销，并于主债务全部清偿后的当月最后一日终止。"
    "任何条款的放弃须以书面形式作出。"
)


def columns(text: str, count: int, font: str, height: float = 150) -> bytes:
    """Running text in columns, without the heads and numbers of a page."""
    import io

    buffer = io.BytesIO()
    width = (595 - 100 - 16 * (count - 1)) / count
    frames = [Frame(50 + n * (width + 16), 740 - height, width, height, 0, 0, 0, 0) for n in range(count)]
    style = ParagraphStyle("x", fontName=font, fontSize=9, leading=12, alignment=4)
    style.wordWrap = "CJK" if font == CHINESE else None
    document = BaseDocTemplate(buffer, pageTemplates=[PageTemplate(frames=frames)])
    document.build([Paragraph(text, style)])
    return buffer.getvalue()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_columns_are_read_one_after_the_other(count: int) -> None:
    for text, font, separator in ((ENGLISH * 2, "Times-Roman", " "), (ZH * 4, CHINESE, "")):
        height = 12 * (len(text) * (4.2 if separator else 9) / (495 / count) / count // 1 + 2)
        assert separator.join(texts(columns(text, count, font, height))).strip() == text.strip()


def test_hyphens_at_line_ends_are_joined_in_each_column() -> None:
    left = [
        "The guarantor shall pay on first de-",
        "mand and without any ob-",
        "jection to it, at any time,",
        "in full.",
    ]
    right = [
        "Notices are sent to the regis-",
        "tered address of the other par-",
        "ty, where they are deemed recei-",
        "ved.",
    ]
    assert texts(drawn(together(lines(left), lines(right, x=320)))) == [
        "The guarantor shall pay on first demand and without any objection to it, at any time, in full.",
        "Notices are sent to the registered address of the other party, where they are deemed received.",
    ]


def test_a_title_above_columns_comes_first() -> None:
    title = lines(
        ["Guarantees and what they mean for everybody who signs one of them with this bank"], top=790
    )
    left = [f"The {n} guarantor pays on demand and" for n in ("first", "second", "third", "fourth")]
    right = [f"Notices to the {n} party are sent at" for n in ("first", "second", "third", "fourth")]
    found = " ".join(texts(drawn(together(lines(right, x=320), lines(left), title))))
    assert found.index("Guarantees") < found.index("fourth guarantor") < found.index("first party")


def test_turned_pages_and_turned_text_read_upright() -> None:
    for turn in (0, 90, 180, 270):
        content = (
            "BT /F1 10 Tf 60 700 Td (First line of a page that was turned,) Tj "
            "0 -14 Td (second line of it.) Tj ET"
        )

        def sideways(canvas: Canvas, turn: int = turn) -> None:
            canvas.translate(300, 400)
            canvas.rotate(turn)
            lines(["First line of a page that was turned,", "second line of it."], x=-200, top=100)(canvas)

        whole = "First line of a page that was turned, second line of it."
        assert texts(written(content, page=f"/Rotate {turn}")) == texts(drawn(sideways)) == [whole], turn


def test_vertical_chinese_is_read_from_right_to_left() -> None:
    clauses = ["第一條本規程依公司章程訂定之", "第二條董事會每季至少召開一次", "第三條出席董事過半數同意行之"]

    def draw(canvas: Canvas) -> None:
        canvas.setFont(CHINESE, 12)
        for number, clause in reversed(list(enumerate(clauses))):
            for place, character in enumerate(clause):
                canvas.drawString(500 - 24 * number, 760 - 12 * place, character)

    assert texts(drawn(draw)) == clauses


def test_the_order_of_the_file_does_not_matter() -> None:
    text = [
        "One sentence that is long enough to fill the line,",
        "another that is long enough to fill it as well,",
        "the end.",
    ]
    content = "".join(f"BT /F1 11 Tf 1 0 0 1 60 {700 - 14 * n} Tm ({text[n]}) Tj ET " for n in (2, 0, 1))
    assert texts(written(content)) == [" ".join(text)]


def test_lines_that_stand_by_themselves_are_not_joined() -> None:
    assert texts(drawn(lines(["Bank of the Harbour", "12 Quay Street", "Open from 9 to 5."]))) != []
    short = ["本办法适用于全部分支机构。", "本办法适用于全部分支机构。", "本章自发布之日起施行。"]
    assert texts(drawn(lines(short))) == short
    form = ["公司是否存在控股股东非经营性占用资金情况", "□是 √否"]
    assert texts(drawn(lines(form))) == form


def test_a_frame_around_a_page_is_no_table() -> None:
    def framed(canvas: Canvas) -> None:
        for x in (20, 40, 560):
            canvas.line(x, 100, x, 820)
        for y in (100, 130, 160, 820):
            canvas.line(20, y, 560, y)
        lines([f"Paragraph {n} stands in the frame of the page." for n in range(20)], leading=30)(canvas)
        lines(["A", "B"], x=25, top=145, leading=30)(canvas)

    found = texts(drawn(framed))
    assert sum("Paragraph 7" in text for text in found) == 1


def test_a_sentence_that_goes_on_in_the_next_column_is_one_paragraph() -> None:
    left = [
        "保证人应当在债权人首次书面要求后",
        "无条件支付款项，并且不得提出任何",
        "抗辩。任何条款的放弃须以书面形式",
    ]
    right = ["作出并由双方签字。通知应寄送至各", "方注册地址，并于投递后第三个工作", "日视为送达。"]
    assert texts(drawn(together(lines(left), lines(right, x=320)))) == ["".join([*left, *right])]


def test_a_table_beside_a_column_of_text_stays_apart_from_it() -> None:
    report = [
        "Revenue fell in the last quarter, as we had",
        "expected, and less was built in the north.",
        "The order book is full, and the projects of",
        "the railway begin in spring. We expect that",
        "revenue will grow in the second half of the",
        "year and that the margin will follow it.",
    ]
    names = lines(["", "Revenue", "Profit", "Dividend"], x=340, leading=17)
    values = [["2024", "275.5", "8.8", "0.49"], ["2025", "295.6", "10.3", "0.52"]]
    columns_of_values = (lines(column, x=430 + 50 * n, leading=17) for n, column in enumerate(values))
    assert texts(drawn(together(lines(report), names, *columns_of_values))) == [
        " ".join(report),
        "Revenue; 2024: 275.5; 2025: 295.6",
        "Profit; 2024: 8.8; 2025: 10.3",
        "Dividend; 2024: 0.49; 2025: 0.52",
    ]


def test_lines_beside_a_large_one_are_not_mixed_word_by_word() -> None:
    small = ["bolder initiatives and more", "glittering successes, where"]
    page = together(
        lines(small, x=60, leading=11, size=9), lines(["Among the first"], x=300, top=730, size=24)
    )
    assert sorted(texts(drawn(page))) == ["Among the first", *small]
