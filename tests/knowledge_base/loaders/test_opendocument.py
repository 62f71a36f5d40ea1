"""ODT, ODS and ODP."""

import io
import zipfile

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.opendocument import load_opendocument
from knowledge_base.notes import Note

NAMES = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"), ("text", "text"), ("table", "table"), ("style", "style"), ("draw", "drawing"),
        ("presentation", "presentation"), ("svg", "svg-compatible"),
    )
)  # fmt: skip


def document(body: str, styles: str = "", **parts: str) -> bytes:
    content = (
        f"<office:document-content {NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"content.xml": content, **parts}.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def cell(text: str, more: str = "") -> str:
    return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"


def test_texts() -> None:
    styles = (
        '<style:style style:name="up"><style:text-properties style:text-position="super 58%"/></style:style>'
    )
    styles += '<text:list-style style:name="L"><text:list-level-style-number text:level="1" '
    styles += 'style:num-format="1" style:num-suffix="."/></text:list-style>'
    note = "<text:note><text:note-body><text:p>per year</text:p></text:note-body></text:note>"
    rows = "".join(
        f"<table:table-row>{cells}</table:table-row>"
        for cells in (
            cell("Card") + cell("Fee"),
            cell("Gold", 'table:number-rows-spanned="2"') + cell("5"),
            "<table:covered-table-cell/>" + cell("6"),
        )
    )
    body = (
        '<office:text><text:h text:outline-level="2">Fees</text:h>'
        '<text:p>10<text:span text:style-name="up">9</text:span>/L'
        f"{note}<text:tab/>x<text:line-break/>y</text:p>"
        '<text:list text:style-name="L"><text:list-item><text:p>one</text:p></text:list-item>'
        "<text:list-item><text:p>two</text:p></text:list-item></text:list>"
        f"<table:table>{rows}</table:table><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        "</office:text>"
    )
    loaded = load_opendocument(document(body, styles))
    assert [(block.kind, block.text) for block in loaded.blocks] == [
        ("heading", "Fees"),
        ("text", "10⁹/L¹ x\ny"),
        ("text", "¹ per year"),
        ("text", "1. one"),
        ("text", "2. two"),
        ("row", "Card: Gold; Fee: 5"),
        ("row", "Card: Gold; Fee: 6"),
    ]


def test_sheets_leave_out_what_is_hidden_and_repeat_what_repeats() -> None:
    twice = 'table:number-columns-repeated="2"'
    rows = (
        f"<table:table-row>{cell('Card')}{cell('Fee')}{cell('Cost')}</table:table-row>"
        f"<table:table-row>{cell('Gold')}{cell('5', twice)}"
        "</table:table-row>"
        f'<table:table-row table:visibility="collapse">{cell("Old")}{cell("1")}{cell("1")}</table:table-row>'
        '<table:table-row table:number-rows-repeated="1048573"><table:table-cell/></table:table-row>'
    )
    columns = f'<table:table-column {twice}/><table:table-column table:visibility="collapse"/>'
    body = (
        f'<office:spreadsheet><table:table table:name="S">{columns}{rows}</table:table></office:spreadsheet>'
    )
    loaded = load_opendocument(document(body))
    assert [block.text for block in loaded.blocks] == ["S", "Card: Gold; Fee: 5"]
    assert loaded.notes == (Note("hidden_left_out", count=2),)


def test_slides() -> None:
    frame = '<draw:frame {} svg:y="{}cm"><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>'
    shapes = (
        frame.format("", 9, "Last")
        + frame.format('presentation:class="title"', 1, "Steps")
        + frame.format('presentation:class="page-number"', 2, "7")
        + frame.format("", 3, "First")
    )
    notes = (
        "<presentation:notes><draw:frame><draw:text-box><text:p>Slowly.</text:p></draw:text-box></draw:frame>"
    )
    page = f"<draw:page>{shapes}{notes}</presentation:notes></draw:page>"
    body = f"<office:presentation>{page}</office:presentation>"
    assert [(block.kind, block.text, block.page) for block in load_opendocument(document(body)).blocks] == [
        ("heading", "Steps", 1),
        ("text", "First", 1),
        ("text", "Last", 1),
        ("text", "Slowly.", 1),
    ]


def test_passwords_and_damage() -> None:
    manifest = {"META-INF/manifest.xml": "<manifest:encryption-data/>"}
    with pytest.raises(LoadError, match="password"):
        load_opendocument(document("", **manifest))
    broken = document("<office:text><text:p>Fee</text:p></office:text>", "</")
    assert load_opendocument(broken).notes == (Note("part_damaged", name="content.xml"),)


def test_what_is_nested_too_deeply_is_noted_and_the_rest_is_read() -> None:
    deep = "<text:section>" * 60 + "<text:p>Inside.</text:p>" + "</text:section>" * 60
    loaded = load_opendocument(document(f"<office:text>{deep}<text:p>After.</text:p></office:text>"))
    assert [block.text for block in loaded.blocks] == ["After."]
    assert loaded.notes == (Note("nesting_cut"),)
