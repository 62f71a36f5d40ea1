"""DOC: a document written byte by byte, as [MS-DOC] has it."""

import struct

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse
from knowledge_base.loaders.old_word import load_old_word
from knowledge_base.loaders.sniff import actual_format
from tests.compound import compound

IN_TABLE, ROW_END, OUTLINE = b"\x16\x24\x01", b"\x17\x24\x01", b"\x40\x26\x00"
DELETED, RAISED = b"\x00\x08\x01", b"\x48\x2a\x01"
PAGE = 512
TEXT_AT = 1536  # of the text in the stream, behind two pages of properties


def document(
    paragraphs: list[tuple[str, bytes]], characters: dict[str, bytes], notes: str = "", flags: int = 0
) -> bytes:
    """A document of paragraphs with their properties; `characters` gives those of words in them."""
    text = "".join(words for words, _ in paragraphs)
    whole = text + notes
    papx = _page([TEXT_AT + 2 * at for at in _ends([words for words, _ in paragraphs], notes)],
                 [b"\0\0" + more for _, more in paragraphs] + ([b"\0\0"] if notes else []), 13)  # fmt: skip
    places, looks = [0], []
    for words, look in sorted(characters.items(), key=lambda item: text.index(item[0])):
        places += [text.index(words), text.index(words) + len(words)]
        looks += [b"", look]
    chpx = _page([TEXT_AT + 2 * at for at in [*places, len(whole)]], [*looks, b""], 1)
    main = bytearray(PAGE * 3) + whole.encode("utf-16-le")
    main[PAGE : 2 * PAGE], main[2 * PAGE : 3 * PAGE] = papx, chpx
    table = bytearray(16)  # nothing may begin at 0
    where = {}
    for index, content in {
        12: struct.pack("<III", TEXT_AT, TEXT_AT + 2 * len(whole), 2),
        13: struct.pack("<III", TEXT_AT, TEXT_AT + 2 * len(whole), 1),
        33: b"\x02" + struct.pack("<I", 16) + struct.pack("<IIHIH", 0, len(whole), 0, TEXT_AT, 0),
        2: struct.pack("<IIH", text.find("\x02"), len(text), 0) if notes else b"",
        3: struct.pack("<III", 0, len(notes), len(notes)) if notes else b"",
    }.items():
        where[index] = (len(table), len(content))
        table += content
    struct.pack_into("<HH6xH", main, 0, 0xA5EC, 0xC1, flags)
    struct.pack_into("<7i", main, 0x4C, len(text), len(notes), 0, 0, 0, 0, 0)
    for index, (offset, length) in where.items():
        struct.pack_into("<II", main, 0x9A + 8 * index, offset, length)
    return compound({"WordDocument": bytes(main), "0Table": bytes(table)})


def _ends(parts: list[str], notes: str) -> list[int]:
    places = [0]
    for part in [*parts, *([notes] if notes else [])]:
        places.append(places[-1] + len(part))
    return places


def _page(places: list[int], properties: list[bytes], width: int) -> bytes:
    """A page of properties: places, an entry for each that says where its properties are, and those."""
    page = bytearray(PAGE)
    struct.pack_into(f"<{len(places)}I", page, 0, *places)
    at = PAGE - 2
    for number, given in enumerate(properties):
        if not given:
            continue
        content = given + b"\0" * ((len(given) + 1) % 2) if width > 1 else given
        at = (at - len(content) - 2) // 2 * 2
        page[at] = (len(content) + 1) // 2 if width > 1 else len(content)
        page[at + 1 : at + 1 + len(content)] = content
        page[4 * len(places) + width * number] = at // 2
    page[PAGE - 1] = len(properties)
    return bytes(page)


TABLE = [("Card\x07", IN_TABLE), ("Fee\x07", IN_TABLE), ("\x07", IN_TABLE + ROW_END)]
BODY = [("年费\x07", IN_TABLE), ("680元\x07", IN_TABLE), ("\x07", IN_TABLE + ROW_END)]


def test_headings_text_tables_and_notes() -> None:
    made = document(
        [
            ("收费\r", OUTLINE),
            ("Count 109/L, was 5\x02 \x13 HYPERLINK x\x14link\x15\r", b""),
            *TABLE,
            *BODY,
            ("End\r", b""),
        ],
        {"9/L"[:1]: RAISED, "was 5": DELETED},
        notes="\x02 per year\r",
    )
    loaded = load_old_word(made)
    assert [(block.kind, block.level, block.text) for block in loaded.blocks] == [
        ("heading", 1, "收费"),
        ("text", 0, "Count 10⁹/L, ¹ link"),
        ("text", 0, "¹ per year"),
        ("row", 0, "Card: 年费; Fee: 680元"),
        ("text", 0, "End"),
    ]
    assert actual_format(made, "docx") == "doc"


def test_passwords_old_versions_and_truncated_files_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [("Text\r", b"")]
    with pytest.raises(LoadError, match="password"):
        parse(document(plain, {}, flags=0x100), "doc")
    monkeypatch.setenv("PATH", "")
    old = document(plain, {}).replace(b"\xec\xa5\xc1\x00", b"\xec\xa5\x65\x00")
    with pytest.raises(LoadError, match="LibreOffice"):
        parse(old, "doc")
    with pytest.raises(LoadError, match="LibreOffice"):
        parse(b"\xdb\xa5\x2d\x00" + bytes(500), "doc")
    with pytest.raises(LoadError, match=r"damaged.*intact copy"):
        parse(document(plain, {})[:2000], "doc")
    with pytest.raises(LoadError, match="not that of an Office program"):
        parse(b"\x00\x05\xe1\x03" + bytes(500), "doc")
