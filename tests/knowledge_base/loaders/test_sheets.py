"""XLSX: values as shown, merged cells, several sheets."""

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import MOST_CHARACTERS
from knowledge_base.loaders.sheets import load_sheets
from knowledge_base.notes import Note


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
            "期限：一年；年利率：1.45%；起存：1,000,000.00元；起息日：2026-01-01；更新：2026-01-02 8:30:00",
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


def rows(book: openpyxl.Workbook) -> list[str]:
    return [block.text for block in load_sheets(saved(book)).blocks if block.kind == "row"]


def test_numbers_are_shown_as_the_program_shows_them() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["No", "Amount", "Salary", "Share", "Phone", "Day"])
    sheet.append([731, 5, 5200.5, 0.12549, 5551234, date(2026, 3, 1)])
    codes = ("00000", '0"万元"', "[$€-407] #,##0.00", "0.0%", "000-0000", 'yyyy"年"m"月"d"日"')
    for cell, code in zip(sheet[2], codes, strict=True):
        cell.number_format = code
    assert rows(book) == [
        "No: 00731; Amount: 5万元; Salary: € 5,200.50; Share: 12.5%; Phone: 555-1234; Day: 2026年3月1日"
    ]


def test_a_formula_that_was_never_computed_is_shown_as_one() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Item", "Sum"])
    book.active.append(["Fees", "=B9*2"])
    loaded = load_sheets(saved(book))
    assert loaded.blocks[-1].text == "Item: Fees; Sum: =B9*2 (not computed)"
    assert loaded.notes == (Note("formulas_uncomputed", count=1),)
    assert load_sheets(saved(openpyxl.Workbook())).blocks == ()


def test_a_place_holder_of_a_program_that_computes_nothing_is_no_result() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["Item", "Sum"])
    sheet.write(1, 0, "Fees")
    sheet.write_formula(1, 1, "=SUM(B8:B9)")
    book.close()
    assert load_sheets(buffer.getvalue()).blocks[-1].text == "Item: Fees; Sum: =SUM(B8:B9) (not computed)"


def test_hidden_rows_columns_and_sheets_are_left_out_and_counted() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["Card", "Fee", "Cost"], ["Gold", 300, 111], ["Old", 222, 90], ["Black", 680, 333]):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["C"].hidden = True
    book.create_sheet("Secret").sheet_state = "hidden"
    assert rows(book) == ["Card: Gold; Fee: 300", "Card: Black; Fee: 680"]
    assert load_sheets(saved(book)).notes == (Note("hidden_left_out", count=3),)


def test_notes_of_cells_follow_their_sheet() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Card", "Fee"])
    book.active.append(["Gold", 300])
    book.active["B2"].comment = Comment("Waived for students.", "Ada")
    assert load_sheets(saved(book)).blocks[-1].text == "Note on B2 (Gold, 300): Waived for students."


def test_raised_and_struck_out_text_in_cells() -> None:
    book = openpyxl.Workbook()
    book.active.append(["Count", "Price"])
    raised = TextBlock(InlineFont(vertAlign="superscript"), "9")
    struck = TextBlock(InlineFont(strike=True), "680")
    book.active.append([CellRichText("10", raised, "/L"), CellRichText(struck, " 300")])
    assert rows(book) == ["Count: 10⁹/L; Price: ~~680~~ 300"]


def test_one_long_string_in_all_cells_stops_at_the_bound() -> None:
    strings = f"<sst xmlns='{MAIN}'><si><t>{'long ' * 20_000}</t></si></sst>"
    cells = "".join("<c t='s'><v>0</v></c>" for _ in range(40))
    sheet = f"<worksheet xmlns='{MAIN}'><sheetData>{f'<row>{cells}</row>' * 3000}</sheetData></worksheet>"
    data = package({"xl/sharedStrings.xml": strings, "xl/worksheets/sheet1.xml": sheet})
    assert len(data) < 60_000
    loaded = load_sheets(data)
    assert [note.kind for note in loaded.notes] == ["text_cut"]
    assert sum(len(block.text) for block in loaded.blocks) <= MOST_CHARACTERS


def test_a_damaged_sheet_costs_no_other() -> None:
    good = f"<worksheet xmlns='{MAIN}'><sheetData><row><c><v>7</v></c></row></sheetData></worksheet>"
    data = package({"xl/worksheets/sheet1.xml": good[:-20], "xl/worksheets/sheet2.xml": good})
    loaded = load_sheets(data)
    assert [block.text for block in loaded.blocks] == ["S1", "7", "S2", "7"]
    assert loaded.notes == (Note("part_damaged", name="S1"),)


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def package(parts: dict[str, str]) -> bytes:
    """A workbook of the sheets among `parts`."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheets = [name for name in parts if "/sheet" in name]
    entries = "".join(f'<sheet name="S{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1))
    book = f'<workbook xmlns="{MAIN}" xmlns:r="{relation}"><sheets>{entries}</sheets></workbook>'
    targets = [(f"r{n}", "worksheet", name) for n, name in enumerate(sheets, start=1)]
    targets.append(("s", "sharedStrings", "xl/sharedStrings.xml"))
    links = "".join(
        f'<Relationship Id="{key}" Type="{relation}/{kind}" Target="/{name}"/>' for key, kind, name in targets
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", book)
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_protected_book_is_refused() -> None:
    with pytest.raises(LoadError, match="password"):
        load_sheets(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000))
