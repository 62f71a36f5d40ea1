"""XML: office files in one file, data and texts."""

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse
from knowledge_base.loaders.xml_data import load_xml
from knowledge_base.notes import Note


def pairs(xml: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in load_xml(xml.encode()).blocks]


def test_records_name_their_fields() -> None:
    cards = '<card id="1"><name>Gold</name><fee>5</fee></card><card id="2"><name>Black</name></card>'
    rows = [("row", "id: 1; name: Gold; fee: 5"), ("row", "id: 2; name: Black")]
    assert pairs(f"<cards>{cards}</cards>")[-2:] == rows


def test_texts_have_headings_and_paragraphs() -> None:
    xml = "<book><title>Rules</title><section><title>Cards</title><p>A <b>gold</b> card.</p></section></book>"
    assert load_xml(xml.encode()).title == "Rules"
    assert pairs(xml)[1:] == [("heading", "Cards"), ("text", "A gold card.")]


def test_a_workbook_of_excel_2003_under_the_name_of_an_old_one() -> None:
    row = '<Row{}><Cell><Data ss:Type="String">{}</Data></Cell>'
    row += '<Cell{}><Data ss:Type="{}">{}</Data></Cell></Row>'
    rows = (
        row.format("", "Card", "", "String", "Share")
        + row.format("", "Gold", ' ss:StyleID="p"', "Number", "0.125")
        + row.format(' ss:Hidden="1"', "Old", "", "Number", "1")
    )
    xml = (
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Styles><Style ss:ID="p">'
        f'<NumberFormat ss:Format="0.0%"/></Style></Styles><Worksheet ss:Name="Fees"><Table>{rows}</Table>'
        "</Worksheet></Workbook>"
    )
    loaded = parse(xml.encode(), "xls")
    assert [block.text for block in loaded.blocks] == ["Fees", "Card: Gold; Share: 12.5%"]
    assert loaded.notes == (Note("hidden_left_out", count=1),)


def test_a_document_of_word_in_one_file() -> None:
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = (
        f'<w:document xmlns:w="{main}"><w:body><w:p><w:r><w:t>年费</w:t></w:r></w:p></w:body></w:document>'
    )
    package = "http://schemas.microsoft.com/office/2006/xmlPackage"
    part = f'<k:part k:name="/word/document.xml"><k:xmlData>{document}</k:xmlData></k:part>'
    assert pairs(f'<k:package xmlns:k="{package}">{part}</k:package>') == [("text", "年费")]
    old = document.replace(main, "http://schemas.microsoft.com/office/word/2003/wordml")
    assert pairs(old.replace("w:document", "w:wordDocument")) == [("text", "年费")]


def test_entities_are_refused_and_damage_is_noted() -> None:
    with pytest.raises(LoadError, match="entities"):
        load_xml(b'<!DOCTYPE a [<!ENTITY x "ha">]><a>&x;</a>')
    loaded = load_xml(b"<cards><card><name>Gold</name><fee>5</fee></card><card><na")
    assert loaded.notes == (Note("part_damaged", name="XML"),)
    assert any("Gold" in block.text for block in loaded.blocks)
