"""XLSX: values as shown, merged cells, several sheets."""

import io
from datetime import date, datetime

import openpyxl
import pytest

from knowledge_base.errors import LoadError
from knowledge_base.loaders.sheets import load_sheets


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_sheets_are_pages_under_their_names() -> None:
    book = openpyxl.Workbook()
    book.properties.title = "Rates"
    first = book.active
    first.title = "存款"
    first.append(["期限", "年利率", "起存", "起息日", "更新"])
    first.append(["一年", 0.0145, 1000000, date(2026, 1, 1), datetime(2026, 1, 2, 8, 30)])
    first["B2"].number_format, first["C2"].number_format = "0.00%", '#,##0.00"元"'
    second = book.create_sheet("Loans")
    second.append(["Loan", "Rate", "Open"])
    second.append(["Car", 4.2, True])
    hidden = book.create_sheet("Hidden")
    hidden.append(["secret", "x"])
    hidden.sheet_state = "hidden"
    loaded = load_sheets(saved(book))
    assert loaded.title == "Rates"
    assert [(block.kind, block.text, block.page) for block in loaded.blocks] == [
        ("heading", "存款", 1),
        (
            "row",
            "期限：一年；年利率：1.45%；起存：1,000,000.00；起息日：2026-01-01；更新：2026-01-02 08:30",
            1,
        ),
        ("heading", "Loans", 2),
        ("row", "Loan: Car; Rate: 4.2; Open: TRUE", 2),
    ]


def test_merged_cells_belong_to_every_row_and_column_they_cover() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["2026年收费", None, None],
        ["类别", "项目", "收费"],
        ["银行卡", "年费", "680元"],
        [None, "补卡", "15元"],
    ):
        sheet.append(row)
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("A3:A4")
    texts = [block.text for block in load_sheets(saved(book)).blocks]
    assert texts == [
        "Sheet",
        "2026年收费",
        "类别：银行卡；项目：年费；收费：680元",
        "类别：银行卡；项目：补卡；收费：15元",
    ]


def test_names_merged_over_two_rows() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Card", "Fee", None], [None, "Home", "Abroad"], ["Gold", "1%", "2%"]):
        sheet.append(row)
    sheet.merge_cells("A1:A2")
    sheet.merge_cells("B1:C1")
    assert [block.text for block in load_sheets(saved(book)).blocks][1:] == [
        "Card: Gold; Fee / Home: 1%; Fee / Abroad: 2%"
    ]


def test_formulas_without_a_stored_result_are_empty_and_an_empty_book_has_no_blocks() -> None:
    book = openpyxl.Workbook()
    book.active.append(["=1+1"])
    assert load_sheets(saved(book)).blocks == ()


def test_a_protected_book_is_refused() -> None:
    with pytest.raises(LoadError, match="password"):
        load_sheets(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000))
