"""PPTX: titles, texts, tables, groups and notes by slide."""

import io

import pptx
from pptx.util import Inches

from knowledge_base.loaders.slides import load_slides


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
