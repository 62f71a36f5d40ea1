"""XLS and XLSB: workbooks written record by record."""

import io
import struct
import zipfile

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse
from knowledge_base.loaders.old_sheets import load_old_sheets
from knowledge_base.loaders.sheets import load_sheets
from knowledge_base.notes import Note

ROWS = [["Card", "No", "Share"], ["Gold", 7, 0.125], ["Old", 8, 0.5]]


def old(kind: int, content: bytes = b"") -> bytes:
    """A record of BIFF8 ([MS-XLS])."""
    return struct.pack("<HH", kind, len(content)) + content


def wide(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def old_book() -> bytes:
    begin = old(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + old(0x42, struct.pack("<H", 1200))
    codes = [(164, "00000"), (165, "0.0%")]
    formats = b"".join(old(0x41E, struct.pack("<H", number) + wide(code)) for number, code in codes)
    fonts = old(0x31, struct.pack("<HHHHHBBBxBB", 200, 0, 8, 400, 0, 0, 0, 0, 5, 0) + b"Arial") * 5
    styles = b"".join(old(0xE0, struct.pack("<HHH14x", 0, code, 0)) for code in (0, 164, 165))
    texts = [cell for row in ROWS for cell in row if isinstance(cell, str)]
    shared = old(0xFC, struct.pack("<II", len(texts), len(texts)) + b"".join(map(wide, texts)))
    sheet = old(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    sheet += old(0x208, struct.pack("<HHHHxxxxI", 2, 0, 3, 255, 0x20))  # the third row is hidden
    for row, cells in enumerate(ROWS):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet += old(0xFD, struct.pack("<HHHI", row, column, 0, texts.index(cell)))
            else:
                sheet += old(0x203, struct.pack("<HHHd", row, column, column, cell))
    sheet += old(0x0A)
    name = "费用"
    place = 4 + 8 + len(name.encode("utf-16-le"))
    before = begin + fonts + formats + styles
    bound = old(
        0x85,
        struct.pack("<IHBB", len(before) + place + len(shared) + 4, 0, len(name), 1)
        + name.encode("utf-16-le"),
    )
    return before + bound + shared + old(0x0A) + sheet


def test_numbers_are_shown_and_hidden_rows_left_out() -> None:
    loaded = load_old_sheets(old_book())
    assert [block.text for block in loaded.blocks] == ["费用", "Card: Gold; No: 00007; Share: 12.5%"]
    assert loaded.notes == (Note("hidden_left_out", count=1),)


def test_a_page_or_a_table_under_the_name_of_a_workbook_is_read() -> None:
    page = "<html><table><tr><th>卡种</th><th>年费</th></tr><tr><td>金卡</td><td>200</td></tr></table></html>"
    assert parse(page.encode(), "xls").blocks[0].text == "卡种：金卡；年费：200"
    assert parse("卡种\t年费\n金卡\t200\n".encode("gb18030"), "xls").blocks[0].text == "卡种：金卡；年费：200"


def test_damage_is_named() -> None:
    with pytest.raises(LoadError, match=r"damaged.*intact copy"):
        load_old_sheets(old_book()[:60])


def new(kind: int, content: bytes = b"") -> bytes:
    """A record of a binary workbook ([MS-XLSB])."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    size = (
        bytes([len(content)])
        if len(content) < 0x80
        else bytes([len(content) & 0x7F | 0x80, len(content) >> 7])
    )
    return head + size + content


def text(words: str) -> bytes:
    return struct.pack("<I", len(words)) + words.encode("utf-16-le")


def test_a_binary_workbook() -> None:
    sheet = b""
    for row, cells in enumerate(ROWS):
        sheet += new(0, struct.pack("<IIHBBB", row, 0, 300, 0, 0x10 if row == 2 else 0, 0))
        for column, cell in enumerate(cells):
            place = struct.pack("<II", column, column)
            if isinstance(cell, str):
                sheet += new(6, place + text(cell))
            elif isinstance(cell, int):
                sheet += new(2, place + struct.pack("<i", cell << 2 | 2))
            else:
                sheet += new(5, place + struct.pack("<d", cell))
    styles = new(44, struct.pack("<H", 164) + text("00000")) + new(44, struct.pack("<H", 165) + text("0.0%"))
    styles += (
        new(617) + b"".join(new(47, struct.pack("<HH12x", 0, code)) for code in (0, 164, 165)) + new(618)
    )
    book = new(156, struct.pack("<II", 0, 1) + text("r1") + text("费用"))
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = f'<Relationship Id="r1" Type="{kind}/worksheet" Target="sheet.bin"/>'
    links += f'<Relationship Id="r2" Type="{kind}/styles" Target="styles.bin"/>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (("workbook", book), ("sheet", sheet), ("styles", styles)):
            archive.writestr(f"xl/{name}.bin", content)
        archive.writestr("xl/_rels/workbook.bin.rels", f"<Relationships>{links}</Relationships>")
    loaded = load_sheets(buffer.getvalue())
    assert [block.text for block in loaded.blocks] == ["费用", "Card: Gold; No: 00007; Share: 12.5%"]
    assert loaded.notes == (Note("hidden_left_out", count=1),)
