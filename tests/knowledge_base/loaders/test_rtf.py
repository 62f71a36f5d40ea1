"""RTF: text in every code page, tables, notes, and nothing of the marks."""

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders import parse
from knowledge_base.loaders.rtf import load_rtf

HEAD = (
    rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fnil\fcharset134 SimSun;}}"
    rb"{\stylesheet{\s0 Normal;}{\s1 heading 1;}}{\info{\title Fees 2026}{\author Ada}}"
)


def texts(body: bytes) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, block.text) for block in load_rtf(HEAD + body + b"}").blocks]


def test_headings_text_and_code_pages() -> None:
    chinese = "".join(f"\\'{byte:02x}" for byte in "年费".encode("gb18030")).encode()
    body = (
        rb"\pard\s1 Cards\par\pard {\f1 "
        + chinese
        + rb"} \u20803? 5 \'80\par {\header no}\pard\u-10179?\u-8704?\par"
    )
    assert texts(body) == [("heading", 1, "Cards"), ("text", 0, "年费 元 5 €"), ("text", 0, "😀")]
    assert load_rtf(HEAD + rb"x\par}").title == "Fees 2026"


def test_tables_with_merged_cells() -> None:
    row = rb"\trowd%s\pard\intbl %s\cell %s\cell %s\cell\row"
    plain = rb"\cellx1\cellx2\cellx3"
    body = (
        row % (plain, b"Card", b"Fee", b"Limit")
        + row % (plain, b"Gold", b"5", b"9")
        + row % (rb"\clvmrg\cellx1\cellx2\cellx3", b"", b"6", b"8")
        + rb"\pard After\par"
    )
    assert texts(body) == [
        ("row", 0, "Card: Gold; Fee: 5; Limit: 9"),
        ("row", 0, "Card: Gold; Fee: 6; Limit: 8"),
        ("text", 0, "After"),
    ]


def test_footnotes_fields_deletions_and_raised_text() -> None:
    body = (
        rb"\pard Count 10{\super 9}/L{\footnote\pard as {\b measured}\par} {\deleted gone}{\v hid}"
        rb"{\field{\*\fldinst HYPERLINK x}{\fldrslt link}}\par{\*\unknown junk}{\pict 00ff}"
    )
    assert texts(body) == [("text", 0, "Count 10⁹/L¹ link"), ("text", 0, "¹ as measured")]


def test_rtf_under_another_name_is_read_and_absurd_groups_do_no_harm() -> None:
    assert parse(HEAD + b"The limit is 5.\\par}", "docx").blocks[0].text == "The limit is 5."
    deep = b"Before.\\par " + b"{" * 5000 + b"Inside." + b"}" * 5000 + b"\\par After.\\par}"
    assert [block.text for block in load_rtf(HEAD + deep).blocks] == ["Before.", "Inside.", "After."]
    with pytest.raises(LoadError, match="not RTF"):
        load_rtf(b"plain")
