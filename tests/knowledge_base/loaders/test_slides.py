"""PPTX: titles, texts, tables, groups and notes by slide."""

import io
import re
import zipfile
from typing import Any

import pptx
from lxml import etree
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from knowledge_base.loaders.slides import load_slides
from knowledge_base.notes import Note


def test_slides_are_pages() -> None:
    deck = pptx.Presentation()
    deck.core_properties.title = "Launch"
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Why now"
    first.placeholders[1].text_frame.text = "Faster\vand simpler"
    first.placeholders[1].text_frame.add_paragraph().text = "Safer"
    first.notes_slide.notes_text_frame.text = "Speak slowly."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "计划"
    low = second.shapes.add_textbox(Inches(1), Inches(6), Inches(3), Inches(1))
    low.text_frame.text = "Last"
    table = second.shapes.add_table(3, 3, Inches(1), Inches(2), Inches(6), Inches(2)).table
    for row, texts in enumerate((("阶段", "时间", "范围"), ("测试", "7月", "员工"), ("", "8月", "客户"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(5), Inches(3), Inches(1)).text_frame.text = "Grouped"
    buffer = io.BytesIO()
    deck.save(buffer)
    loaded = load_slides(buffer.getvalue())
    assert loaded.title == "Launch"
    assert [(block.kind, block.text, block.page) for block in loaded.blocks] == [
        ("heading", "Why now", 1),
        ("text", "Faster\nand simpler", 1),
        ("text", "Safer", 1),
        ("text", "Speak slowly.", 1),
        ("heading", "计划", 2),
        ("row", "阶段：测试；时间：7月；范围：员工", 2),
        ("row", "阶段：测试；时间：8月；范围：客户", 2),
        ("text", "Grouped", 2),
        ("text", "Last", 2),
    ]


def saved(deck: Any) -> bytes:
    buffer = io.BytesIO()
    deck.save(buffer)
    return buffer.getvalue()


def test_charts_have_their_data_and_default_titles_are_none() -> None:
    deck = pptx.Presentation()
    deck.core_properties.title = "PowerPoint 演示文稿"
    data = CategoryChartData()
    data.categories = ["一季度", "二季度"]
    data.add_series("不良率", (0.0127, 0.0131), "0.00%")
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(1), Inches(5), Inches(3), data)
    loaded = load_slides(saved(deck))
    assert loaded.title == ""
    assert [block.text for block in loaded.blocks if block.kind == "row"] == [
        "一季度；不良率：1.27%",
        "二季度；不良率：1.31%",
    ]


def test_numbers_that_the_program_writes_itself() -> None:
    deck = pptx.Presentation()
    frame = deck.slides.add_slide(deck.slide_layouts[1]).placeholders[1].text_frame
    for place, (kind, level) in enumerate(
        (
            ("arabicPeriod", 0),
            ("arabicPeriod", 0),
            ("alphaLcParenR", 1),
            ("arabicPeriod", 0),
            ("ea1ChsPeriod", 0),
        )
    ):
        paragraph = frame.paragraphs[0] if not place else frame.add_paragraph()
        paragraph.text, paragraph.level = "x", level
        etree.SubElement(paragraph._p.get_or_add_pPr(), f"{{{A}}}buAutoNum", type=kind)
    texts = [block.text for block in load_slides(saved(deck)).blocks]
    assert texts == ["1. x", "2. x", "a) x", "3. x", "一、 x"]


def test_a_missing_slide_and_an_odd_place_cost_nothing_else() -> None:
    deck = pptx.Presentation()
    for text in ("First", "Second"):
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = text
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(deck))) as usual, zipfile.ZipFile(buffer, "w") as made:
        for name in usual.namelist():
            if name != "ppt/slides/slide1.xml":
                made.writestr(name, re.sub(rb'<a:off x="\d+"', b'<a:off x="-1.5E3"', usual.read(name)))
    loaded = load_slides(buffer.getvalue())
    assert [(block.text, block.page) for block in loaded.blocks] == [("Second", 2)]
    assert loaded.notes == (Note("pages_damaged", pages=(1,)),)


A = "http://schemas.openxmlformats.org/drawingml/2006/main"
