"""Page numbers, line numbers and repeated heads go; clauses, notes and values near the edge stay."""

import re

from reportlab.pdfgen.canvas import Canvas

from knowledge_base.loaders.pdf import load_pdf
from tests.knowledge_base.loaders.pdf.building import CHINESE, drawn, lines, texts, together

BODY = (
    "The bank lends the sum named above, and the customer pays it back in monthly instalments of equal size."
)


def page(number: int, *edges: tuple[float, float, str]) -> object:
    return together(
        lines([f"{BODY[:-1]} {number}."]), *(lines([text], x=x, top=y, size=8) for x, y, text in edges)
    )


def test_a_running_head_is_kept_once_with_its_counting_number() -> None:
    pages = [
        page(n, (60, 810, "Rules of the bank"), (60, 30, f"Internal, page {n + 3} of 20")) for n in range(4)
    ]
    found = texts(drawn(*pages))
    assert found.count("Rules of the bank") == 1
    assert [text for text in found if "page" in text] == ["Internal, page 3 of 20"]
    assert sum(BODY[:40] in text for text in found) == 4


def test_page_numbers_go_wherever_and_however_they_are_written() -> None:
    for number in ("{}", "- {} -", "Page {}", "第 {} 页", "{} / 3", "Page {} of 3", "第{}页 共3页"):
        data = drawn(*(page(n, (500, 30, number.format(n + 1))) for n in range(3)))
        assert len(texts(data)) == 3, number


def test_text_beside_a_page_number_stays() -> None:
    found = texts(drawn(*(page(n, (60, 30, f"Chapter {'ABC'[n]}"), (500, 30, str(n + 1))) for n in range(3))))
    assert [text for text in found if text.startswith("Chapter")] == ["Chapter A", "Chapter B", "Chapter C"]
    assert not {"1", "2", "3"} & set(found)


def test_lines_that_differ_in_a_digit_are_not_repeated() -> None:
    notes = ["Fee until 2023: 4 euro", "Fee until 2026: 9 euro", "Fee until 2031: 12 euro"]
    assert set(notes) <= set(texts(drawn(*(page(n, (60, 30, note)) for n, note in enumerate(notes)))))


def test_clauses_at_the_edge_are_no_page_numbers() -> None:
    clauses = ["第1条 违约责任由过错方承担", "第2条 提前还款应当提前通知", "第 3 条"]
    found = texts(drawn(*(page(n, (60, 810, clause)) for n, clause in enumerate(clauses))))
    assert set(clauses) <= set(found)
    for name in ("Section", "Article", "Step"):
        found = texts(drawn(*(page(n, (60, 810, f"{name} {n + 1}")) for n in range(3))))
        assert sum(text.startswith(name) for text in found) == 3


def test_what_repeats_far_apart_or_below_a_heading_of_its_own_stays() -> None:
    pages = [page(n, (60, 810, "Annex" if n in (0, 4) else f"Part {'abcde'[n]}")) for n in range(5)]
    assert texts(drawn(*pages)).count("Annex") == 2
    below = [page(n, (60, 815, f"Branch {'ABC'[n]}"), (60, 800, "Closed on Sundays")) for n in range(3)]
    assert sum("Closed on Sundays" in text for text in texts(drawn(*below))) == 3


def test_the_margins_are_those_of_the_crop_box() -> None:
    def cropped(canvas: Canvas, number: int) -> None:
        canvas.setCropBox((0, 300, 595, 842))
        lines(["Outside"], top=100)(canvas)
        lines([BODY])(canvas)
        lines(["Rules of the bank"], top=320, size=8)(canvas)

    found = texts(drawn(*(lambda canvas, n=n: cropped(canvas, n) for n in range(3))))
    assert found.count("Rules of the bank") == 1
    assert "Outside" not in found


def test_line_numbers_go_and_numbers_of_rows_stay() -> None:
    sentence = re.findall(r"\w+", "The claimant lent the defendant forty thousand euro on the third of May")
    text = [" ".join(sentence[n : n + 3]) for n in range(0, 14, 3)]
    for x in (60, 520):
        data = drawn(together(lines(text, x=100), lines([str(n) for n in range(26, 31)], x=x)))
        assert "".join(texts(data)).replace(" ", "") == "".join(sentence)
    rows = [[str(n), f"Branch {n}", f"{n},000 EUR"] for n in range(1, 6)]
    columns = [lines([row[i] for row in rows], x=60 + 150 * i) for i in range(3)]
    assert texts(drawn(together(*columns))) == ["; ".join(row) for row in rows]


def test_a_watermark_is_kept_once_and_is_no_heading() -> None:
    def draw(canvas: Canvas) -> None:
        lines(["第一章 总则"], top=760, size=16)(canvas)
        lines(["本办法适用于全部分支机构。"], top=700)(canvas)
        canvas.saveState()
        canvas.translate(200, 400)
        canvas.rotate(45)
        canvas.setFont(CHINESE, 48)
        canvas.drawString(0, 0, "内部资料")
        canvas.restoreState()

    blocks = load_pdf(drawn(draw, draw, draw)).blocks
    assert [(block.kind, block.page) for block in blocks if block.text == "内部资料"] == [("text", 1)]
