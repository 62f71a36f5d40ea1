"""CSV: delimiters, quotes and encodings."""

import pytest

from knowledge_base.loaders.delimited import load_delimited


def texts(data: bytes) -> list[str]:
    return [block.text for block in load_delimited(data).blocks]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    rows = [["Card", "Fee"], ["Gold", '"200, or ""less"""'], ["Silver", "5"]]
    data = "\r\n".join(delimiter.join(row) for row in rows).encode()
    assert texts(data) == ['Card: Gold; Fee: 200, or "less"', "Card: Silver; Fee: 5"]


def test_chinese_in_gb18030() -> None:
    assert texts("卡种,年费\n白金卡,680元\n".encode("gb18030")) == ["卡种：白金卡；年费：680元"]


def test_a_title_above_the_table() -> None:
    assert texts(b"Fees of 2026,,\nCard,Fee,Limit\nGold,200,5\n") == [
        "Fees of 2026",
        "Card: Gold; Fee: 200; Limit: 5",
    ]


def test_quoted_cells_may_hold_line_breaks() -> None:
    assert (
        texts(b'Question,Answer\n"How\nmuch?","5, yuan"\nWhy?,So\n')[0]
        == "Question: How much?; Answer: 5, yuan"
    )


def test_a_file_without_delimiter_is_text() -> None:
    assert texts(b"just\nlines\n") == ["just\nlines"]
