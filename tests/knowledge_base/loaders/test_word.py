"""DOCX: order, headings, lists with their numbers, nested and merged tables, tracked changes."""

import copy
import io
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from knowledge_base.errors import LoadError
from knowledge_base.loaders.numbering import chinese_number
from knowledge_base.loaders.word import load_word
from knowledge_base.values import LoadedFile


def loaded(document: Any) -> LoadedFile:
    buffer = io.BytesIO()
    document.save(buffer)
    return load_word(buffer.getvalue())


def pairs(document: Any) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in loaded(document).blocks]


def fill(table: Any, rows: list[list[str]]) -> None:
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text


def test_blocks_keep_the_order_of_the_document() -> None:
    document = docx.Document()
    document.core_properties.title = "ignored where a title is written"
    document.add_heading("Travel rules", 0)
    document.add_heading("Hotels", 1)
    document.add_paragraph("Up to\n450 yuan.")
    fill(document.add_table(2, 2), [["City", "Limit"], ["Port", "600 yuan"]])
    document.add_heading("Trains", 2)
    document.add_paragraph("Second class.", style="List Bullet")
    made = loaded(document)
    assert made.title == "Travel rules"
    assert [(block.kind, block.level, block.text) for block in made.blocks] == [
        ("heading", 1, "Travel rules"),
        ("heading", 1, "Hotels"),
        ("text", 0, "Up to\n450 yuan."),
        ("row", 0, "City: Port; Limit: 600 yuan"),
        ("heading", 2, "Trains"),
        ("text", 0, "- Second class."),
    ]


def test_nested_tables_follow_their_table_and_frames_are_opened() -> None:
    document = docx.Document()
    outer = document.add_table(2, 2)
    fill(outer, [["Card", "Details"], ["Gold", "see below"]])
    fill(outer.cell(1, 1).add_table(2, 2), [["Fee", "Limit"], ["200", "50,000"]])
    frame = document.add_table(1, 1)
    frame.cell(0, 0).text = "Framed remark"
    fill(frame.cell(0, 0).add_table(2, 2), [["A", "B"], ["x", "y"]])
    assert pairs(document) == [
        ("row", "Card: Gold; Details: see below"),
        ("row", "Fee: 200; Limit: 50,000"),
        ("text", "Framed remark"),
        ("row", "A: x; B: y"),
    ]


def test_merged_cells() -> None:
    document = docx.Document()
    table = document.add_table(4, 3)
    fill(table, [["卡种", "费用", ""], ["", "境内", "境外"], ["金卡", "1%", "2%"], ["", "3%", "4%"]])
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(2, 0).merge(table.cell(3, 0))
    assert pairs(document) == [
        ("row", "卡种：金卡；费用 / 境内：1%；费用 / 境外：2%"),
        ("row", "卡种：金卡；费用 / 境内：3%；费用 / 境外：4%"),
    ]


def test_numbers_that_word_writes_itself() -> None:
    document = docx.Document()
    numbering = document.part.numbering_part.element
    formats = (
        ("chineseCountingThousand", "", "第%1条"),
        ("decimal", "<w:isLgl/>", "%1.%2"),
        ("lowerLetter", "", "(%3)"),
    )
    levels = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{shape}"/>{legal}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for depth, (shape, legal, text) in enumerate(formats)
    )
    numbering.insert(
        0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{levels}</w:abstractNum>')
    )
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    for depth, text in ((0, "总则"), (1, "范围"), (1, "定义"), (2, "甲方"), (0, "附则"), (1, "生效")):
        properties = document.add_paragraph(text)._p.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_ilvl().val, properties.get_or_add_numId().val = depth, 90
    assert [text for _, text in pairs(document)] == [
        "第一条 总则",
        "1.1 范围",
        "1.2 定义",
        "(a) 甲方",
        "第二条 附则",
        "2.1 生效",
    ]


def test_insertions_are_text_deletions_are_not_and_text_boxes_are_read_once() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("The fee is ")
    run = "<w:r><w:t>{}</w:t></w:r>"
    for xml in (
        f"<w:del {nsdecls('w')}><w:r><w:delText>20</w:delText></w:r></w:del>",
        f"<w:ins {nsdecls('w')}>{run.format('25 yuan')}</w:ins>",
        f"<w:moveFrom {nsdecls('w')}>{run.format(' moved away')}</w:moveFrom>",
    ):
        paragraph._p.append(parse_xml(xml))
    box = f"<w:txbxContent><w:p>{run.format('Boxed')}</w:p></w:txbxContent>"
    compatible = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    paragraph._p.append(
        parse_xml(
            f"<w:r {nsdecls('w')} {compatible}><mc:AlternateContent>"
            f'<mc:Choice Requires="wps">{box}</mc:Choice>'
            f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>"
        )
    )
    assert pairs(document) == [("text", "The fee is 25 yuan"), ("text", "Boxed")]


def test_content_controls_and_headings_by_outline_level() -> None:
    document = docx.Document()
    inner = copy.deepcopy(document.add_paragraph("Chapter")._p)
    document.element.body.remove(document.paragraphs[0]._p)
    inner.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))
    control = parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent/></w:sdt>")
    control[0].append(inner)
    document.element.body.insert(0, control)
    assert [(block.kind, block.level) for block in loaded(document).blocks] == [("heading", 2)]


def test_a_truncated_document_is_refused() -> None:
    buffer = io.BytesIO()
    docx.Document().save(buffer)
    with pytest.raises(LoadError, match="damaged"):
        load_word(buffer.getvalue()[:5000])


def test_chinese_numbers() -> None:
    assert [chinese_number(n) for n in (1, 10, 12, 20, 105, 110, 1001)] == [
        "一",
        "十",
        "十二",
        "二十",
        "一百零五",
        "一百一十",
        "一千零一",
    ]
