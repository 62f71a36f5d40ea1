"""Plain text: paragraphs, wrapped lines and encodings."""

import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.text import load_text


def texts(data: bytes) -> list[str]:
    return [block.text for block in load_text(data).blocks]


def test_blank_lines_divide_paragraphs() -> None:
    assert texts(b"One.\nTwo.\n\n \nThree.") == ["One.\nTwo.", "Three."]


def test_wrapped_lines_are_joined() -> None:
    wrapped = (
        b"This paragraph was wrapped by a program at a width of about\n"
        b"sixty columns, as e-mails are, so that its lines all end near\n"
        b"the same column."
    )
    assert texts(wrapped) == [wrapped.decode().replace("\n", " ")]


def test_lists_and_verses_are_not_joined() -> None:
    items = "1. Lock the card in the app before you do anything else at all\n2. Call us"
    assert texts(items.encode()) == [items]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_chinese_in_all_encodings(encoding: str) -> None:
    assert texts("系统升级公告\n\n升级期间暂停服务。".encode(encoding)) == [
        "系统升级公告",
        "升级期间暂停服务。",
    ]


def test_binary_data_is_refused() -> None:
    with pytest.raises(LoadError, match="not text"):
        load_text(bytes(range(256)) * 10)
