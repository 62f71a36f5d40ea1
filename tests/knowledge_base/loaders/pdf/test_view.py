"""A page as a picture, and the marks of a quoted text on it."""

import io

import pytest
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.platypus import SimpleDocTemplate, Table

from knowledge_base.errors import LoadError, NotFoundError
from knowledge_base.loaders.pdf import find_text, page_boxes, render_page
from tests.knowledge_base.loaders.pdf.building import drawn, lines, written

TEXT = [
    "The guarantor pays the creditor on first de-",
    "mand. The guarantee expires in May.",
    "Nothing else is agreed.",
]


def test_a_sentence_is_marked_on_each_of_its_lines() -> None:
    boxes = page_boxes(drawn(lines(TEXT)), 1)
    first, second = find_text(boxes, "The guarantor pays the creditor on first demand.")
    assert (first.left, second.left) == pytest.approx((60 / A4[0], 60 / A4[0]), abs=0.01)
    assert first.bottom <= second.top + 0.01
    assert first.top == pytest.approx(1 - 750 / A4[1], abs=0.01)
    assert second.text == "mand."


def test_a_row_is_found_by_its_cells() -> None:
    buffer = io.BytesIO()
    rows = [["Card", "Fee", "Limit"], ["Gold", "200", "50,000"], ["Platinum", "680", "150,000"]]
    SimpleDocTemplate(buffer).build([Table(rows, style=[("GRID", (0, 0), (-1, -1), 0.5, "black")])])
    marks = find_text(page_boxes(buffer.getvalue(), 1), "Card: Gold; Fee: 200; Limit: 50,000")
    assert [mark.text for mark in marks] == ["Gold 200 50,000"]


def test_marks_follow_a_turned_page() -> None:
    content = f"BT /F1 10 Tf 60 700 Td ({TEXT[0]}) Tj 0 -28 Td ({TEXT[2]}) Tj ET"
    boxes = page_boxes(written(content, page="/Rotate 90"), 1)
    assert (boxes.width, boxes.height) == (842, 595)
    (mark,) = find_text(boxes, "Nothing else is agreed.")
    assert mark.right - mark.left < mark.bottom - mark.top, "the text runs downwards on the page as shown"
    assert mark.left == pytest.approx(672 / 842, abs=0.01)


def test_of_a_text_that_continues_elsewhere_the_part_on_the_page_is_marked() -> None:
    boxes = page_boxes(drawn(lines(TEXT)), 1)
    marks = find_text(boxes, "Nothing else is agreed. And this stands on the next page.")
    assert "agreed." in " ".join(mark.text for mark in marks)
    assert find_text(boxes, "Rates of interest for savings") == ()
    assert find_text(boxes, "?") == ()


def test_the_picture_of_a_page() -> None:
    data = drawn(lines(TEXT), lines(["港湾银行"]))
    picture = Image.open(io.BytesIO(render_page(data, 2, 600)))
    assert picture.format == "PNG"
    assert picture.size == pytest.approx((600, 849), abs=1)
    assert picture.convert("L").getextrema()[0] < 100
    with pytest.raises(NotFoundError, match="no page 3"):
        render_page(data, 3, 600)
    with pytest.raises(LoadError):
        page_boxes(b"%PDF-1.7 broken", 1)


def test_a_very_wide_picture_is_bounded() -> None:
    picture = Image.open(io.BytesIO(render_page(drawn(lines(TEXT)), 1, 1_000_000)))
    assert max(picture.size) <= 4_001
