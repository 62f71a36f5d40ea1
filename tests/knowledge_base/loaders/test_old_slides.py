"""PPT: a presentation written record by record, as [MS-PPT] has it."""

import struct

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse
from knowledge_base.loaders.old_slides import load_old_slides
from tests.compound import compound


def record(kind: int, content: bytes, *, holds: bool = False, instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4 | (0xF if holds else 0), kind, len(content)) + content


def box(kind: int, text: str, top: int) -> bytes:
    """A shape with text at a height."""
    words = record(3999, struct.pack("<I", kind)) + record(4000, text.encode("utf-16-le"))
    anchor = record(0xF010, struct.pack("<hhhh", top, 0, 9, 9))
    return record(0xF004, anchor + record(0xF00D, words, holds=True), holds=True)


def slide(shapes: bytes, kind: int = 1006) -> bytes:
    drawing = record(0xF002, record(0xF003, shapes, holds=True), holds=True)
    atom = record(1007, struct.pack("<I8xIIH2x", 0, 0, 77, 0)) if kind == 1006 else b""
    return record(kind, atom + record(1036, drawing, holds=True), holds=True)


def deck(mark: int = 0xE391C05F) -> bytes:
    slides = struct.pack("<IIiI", 2, 0, 0, 256)
    notes = struct.pack("<IIiI", 3, 0, 0, 77)
    lists = record(4080, record(1011, slides), holds=True) + record(
        4080, record(1011, notes), holds=True, instance=2
    )
    parts = [
        record(1000, lists, holds=True),
        slide(box(1, "第二步\r第三步", 900) + box(0, "开户步骤", 100) + box(4, "First", 500)),
        slide(box(2, "Speak slowly.", 0), 1008),
    ]
    places, data = [], b""
    for part in parts:
        places.append(len(data))
        data += part
    directory = len(data)
    data += record(6002, struct.pack("<I3I", 3 << 20 | 1, *places))
    edit = len(data)
    data += record(4085, struct.pack("<IIIII8x", 0, 0, 0, directory, 1))
    current = record(4086, struct.pack("<IIIHH", 20, mark, edit, 0, 0))
    return compound({"Current User": current, "PowerPoint Document": data})


def test_slides_are_pages_with_titles_texts_and_notes() -> None:
    assert [(block.kind, block.text, block.page) for block in load_old_slides(deck()).blocks] == [
        ("heading", "开户步骤", 1),
        ("text", "First", 1),
        ("text", "第二步", 1),
        ("text", "第三步", 1),
        ("text", "Speak slowly.", 1),
    ]


def test_a_password_and_damage_are_named() -> None:
    with pytest.raises(LoadError, match="password"):
        parse(deck(mark=0xF3D1C4DF), "ppt")
    with pytest.raises(LoadError, match="list of slides is missing"):
        load_old_slides(deck().replace(struct.pack("<H", 4085), struct.pack("<H", 4084)))
