"""DOCX: order, headings, lists with their numbers, nested and merged tables, tracked changes."""

import copy
import io
import zipfile
from typing import Any

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse, word
from knowledge_base.loaders.numbering import chinese_number
from knowledge_base.loaders.word import load_word
from knowledge_base.notes import Note
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


W, R = nsdecls("w"), nsdecls("r")
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def with_part(document: Any, name: str, kind: str, content: str) -> str:
    """Add a part that the document refers to; returns the id of the relation."""
    part = Part(PackURI(f"/word/{name}"), "application/xml", content.encode(), document.part.package)
    return str(document.part.relate_to(part, f"{RELATIONS}/{kind}"))


def note(tag: str, number: int, text: str) -> str:
    inner = f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
    return f'<w:{tag}s {W}><w:{tag} w:id="{number}">{inner}</w:{tag}></w:{tag}s>'


def test_notes_follow_the_paragraph_that_refers_to_them() -> None:
    document = docx.Document()
    with_part(document, "footnotes.xml", "footnotes", note("footnote", 2, "每月二十日"))
    with_part(document, "endnotes.xml", "endnotes", note("endnote", 3, "百分之一"))
    document.add_paragraph("按月付息")._p.append(parse_xml(f'<w:r {W}><w:footnoteReference w:id="2"/></w:r>'))
    document.add_paragraph("违约金")._p.append(parse_xml(f'<w:r {W}><w:endnoteReference w:id="3"/></w:r>'))
    assert [text for _, text in pairs(document)] == ["按月付息¹", "¹ 每月二十日", "违约金[i]", "[i] 百分之一"]


def test_comments_formulas_and_raised_lowered_struck_and_hidden_text() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("10")
    paragraph.add_run("9").font.superscript = True
    paragraph.add_run("/L H")
    paragraph.add_run("2").font.subscript = True
    paragraph.add_run(" 680").font.strike = True
    paragraph.add_run("secret").font.hidden = True
    document.add_comment(paragraph.runs, text="Check this", author="Ada")
    math = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    run = "<m:r><m:t>{}</m:t></m:r>"
    fraction = f"<m:f><m:num>{run.format('贷款')}</m:num><m:den>{run.format('估价')}</m:den></m:f>"
    document.add_paragraph("比例 ")._p.append(parse_xml(f"<m:oMath {math}>{fraction}</m:oMath>"))
    assert [text for _, text in pairs(document)] == [
        "10⁹/L H₂ ~~680~~",
        "Comment (Ada): Check this",
        "比例 贷款/估价",
    ]


def test_content_controls_within_tables_and_around_rows() -> None:
    document = docx.Document()
    table = document.add_table(1, 2)
    fill(table, [["Card", "Fee"]])
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    control = "<w:sdt {}><w:sdtContent>{}</w:sdtContent></w:sdt>"
    row = f"<w:tr>{cell.format('Gold')}{control.format('', cell.format('200'))}</w:tr>"
    table._tbl.append(parse_xml(control.format(W, row)))
    mark = "<w:sdtPr><w:showingPlcHdr/></w:sdtPr>"
    for style, text in (('<w:rPr><w:rStyle w:val="a3"/></w:rPr>', "Click here."), ("", "Valid until May.")):
        run = f"<w:p><w:r>{style}<w:t>{text}</w:t></w:r></w:p>"
        control = f"<w:sdt {W}>{mark}<w:sdtContent>{run}</w:sdtContent></w:sdt>"
        document.element.body.insert(0, parse_xml(control))
    assert pairs(document) == [("text", "Valid until May."), ("row", "Card: Gold; Fee: 200")]


def test_boxes_to_tick() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("□是 ")
    paragraph._p.append(parse_xml(f'<w:r {W}><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'))
    paragraph.add_run("否 ")
    box = "<w:ffData><w:checkBox><w:default w:val='0'/></w:checkBox></w:ffData>"
    paragraph._p.append(parse_xml(f'<w:r {W}><w:fldChar w:fldCharType="begin">{box}</w:fldChar></w:r>'))
    assert pairs(document) == [("text", "□是 ☑否 □")]


def test_smart_art_charts_and_embedded_documents() -> None:
    document = docx.Document()
    dgm, drawing = "http://schemas.openxmlformats.org/drawingml/2006/diagram", nsdecls("a")
    points = "".join(
        f'<d:pt modelId="{n}"><d:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></d:t></d:pt>'
        for n, text in enumerate(("受理", "审查"))
    )
    data = f'<d:dataModel xmlns:d="{dgm}" {drawing}><d:ptLst>{points}</d:ptLst></d:dataModel>'
    key = with_part(document, "data1.xml", "diagramData", data)
    graphic = f'<a:graphic {drawing}><a:graphicData uri="{dgm}"><d:relIds xmlns:d="{dgm}" {R} r:dm="{key}"/>'
    document.add_paragraph("流程")._p.append(
        parse_xml(f"<w:r {W}><w:drawing>{graphic}</a:graphicData></a:graphic></w:drawing></w:r>")
    )
    key = with_part(document, "chunk.html", "aFChunk", "<html><body><p>Embedded page</p></body></html>")
    document.element.body.insert(1, parse_xml(f'<w:altChunk {W} {R} r:id="{key}"/>'))
    assert [text for _, text in pairs(document)] == ["流程", "- 受理", "- 审查", "Embedded page"]


def test_strict_files_templates_and_styles_without_a_type_are_files_like_any_other() -> None:
    document = docx.Document()
    document.add_heading("总则", 1)
    strict = (
        ("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "wordprocessingml/main"),
        (RELATIONS, "officeDocument/relationships"),
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(document))) as usual, zipfile.ZipFile(buffer, "w") as made:
        for name in usual.namelist():
            content = usual.read(name)
            for uri, short in strict:
                content = content.replace(uri.encode(), f"http://purl.oclc.org/ooxml/{short}".encode())
            content = content.replace(b' w:type="paragraph"', b"").replace(b"document.main", b"template.main")
            made.writestr(name, content)
    loaded = parse(buffer.getvalue(), "dotx")
    assert [(block.kind, block.level, block.text) for block in loaded.blocks] == [("heading", 1, "总则")]


def test_a_damaged_part_costs_itself_and_is_noted() -> None:
    document = docx.Document()
    document.add_paragraph("Kept")
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(document))) as usual, zipfile.ZipFile(buffer, "w") as made:
        for name in usual.namelist():
            content = usual.read(name)
            content = (
                content.replace(b"<w:sectPr", b"<w:broken") if name.endswith("document.xml") else content
            )
            made.writestr(name, b"<a><b" if name.endswith("styles.xml") else content)
    loaded = load_word(buffer.getvalue())
    assert [block.text for block in loaded.blocks] == ["Kept"]
    assert {note.name for note in loaded.notes} == {"styles.xml", "document.xml"}


def test_a_table_too_large_for_memory_is_cut_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    document = docx.Document()
    table = document.add_table(40, 2)
    for number, row in enumerate(table.rows):
        row.cells[0].text, row.cells[1].text = f"Name {number}", f"value {number}"
    monkeypatch.setattr(word, "_MOST_ELEMENTS", 400)
    found = loaded(document)
    assert any("value 5" in block.text for block in found.blocks)
    assert found.notes == (Note("text_cut", count=sum(len(block.text) for block in found.blocks)),)
