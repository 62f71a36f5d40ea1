"""Encodings are told from the bytes, short texts too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.errors import LoadError
from knowledge_base.loaders.encoding import decode

CHINESE = "白金卡年费为680元，首年免收。\n详情请咨询客服热线。"
ENGLISH = "The annual fee is £5 – or €6.\nAsk us."


@pytest.mark.parametrize("text", [CHINESE, ENGLISH, "plain", "年费：680元"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_and_without_a_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(encoding: str) -> None:
    assert decode(ENGLISH.encode(encoding)) == ENGLISH


@pytest.mark.parametrize(
    "text",
    [
        CHINESE,
        "年费",
        "余额不足",
        "客服",
        "第一章 总则",
        "卡种,年费\n白金卡,680元\n",
        "€以外的𠀀字" * 3 + CHINESE,
    ],
)
def test_gb18030_even_where_it_is_short(text: str) -> None:
    assert decode(text.encode("gb18030")) == text


def test_what_a_file_declares_is_believed_if_it_fits() -> None:
    assert decode("Größe".encode("latin-1"), "iso-8859-1") == "Größe"
    assert decode(CHINESE.encode("gbk"), "GB2312") == CHINESE
    assert decode(CHINESE.encode(), "gb2312-nonsense") == CHINESE


def test_western_text_is_not_taken_for_chinese() -> None:
    text = "Der Schlüssel für die Tür liegt natürlich draußen, über dem Fenster. Größe: schön."
    assert decode(text.encode("cp1252")) == text


def test_damaged_utf_8_is_read_with_marks_where_it_was_damaged() -> None:
    data = CHINESE.encode()
    assert decode(data[:30] + b"\xff" + data[30:]).replace("\ufffd", "") == CHINESE


def test_line_ends_are_unified() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"


@pytest.mark.parametrize(
    "data", [bytes(range(256)) * 20, b"\x7fELF\x02\x01\x01" + b"\0" * 50 + b"\x03\x00>\x00" * 9]
)
def test_what_is_not_text_is_refused(data: bytes) -> None:
    with pytest.raises(LoadError, match="not text"):
        decode(data)


@given(
    st.text(
        alphabet="的一是在不了有和人这中大为上个国我以要他时来用们年费元，。：；\n", min_size=2, max_size=60
    )
)
def test_any_common_chinese_survives_gb18030(text: str) -> None:
    data = text.encode("gb18030")
    try:
        data.decode()
    except UnicodeDecodeError:
        assert decode(data) == text
