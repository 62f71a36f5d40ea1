"""Rows that name their columns."""

from knowledge_base.loaders.tables import guessed_header_rows, sheet_blocks, table_blocks


def texts(grid: list[list[str]], header_rows: int | None = None) -> list[str]:
    return [block.text for block in table_blocks(grid, header_rows)]


def test_each_row_names_each_column_and_leaves_out_empty_cells() -> None:
    blocks = table_blocks(
        [["Card", "Fee", "Limit"], ["Gold", "200", ""], ["", "", ""], ["Platinum", "680", "150,000"]], page=3
    )
    assert [block.text for block in blocks] == [
        "Card: Gold; Fee: 200",
        "Card: Platinum; Fee: 680; Limit: 150,000",
    ]
    assert {(block.kind, block.page) for block in blocks} == {("row", 3)}


def test_chinese_tables_have_chinese_punctuation() -> None:
    assert texts([["卡种", "年费："], ["白金卡", "680元"]]) == ["卡种：白金卡；年费：680元"]


def test_merged_names_are_joined_with_those_below() -> None:
    grid = [["Card", "Fee", "Fee"], ["Card", "Domestic", "Abroad"], ["Gold", "1%", "2%"]]
    assert texts(grid) == ["Card: Gold; Fee / Domestic: 1%; Fee / Abroad: 2%"]


def test_a_table_of_names_and_values_has_no_header() -> None:
    assert texts([["Annual fee", "680 yuan"], ["Limit", "none"]]) == ["Annual fee: 680 yuan", "Limit: none"]
    assert texts([["年费", "680元"], ["手续费", "免"]]) == ["年费：680元", "手续费：免"]


def test_names_may_begin_with_numbers() -> None:
    rates = [["Currency", "3 months", "1 year"], ["Dollar", "2.20%", "2.80%"]]
    assert texts(rates) == ["Currency: Dollar; 3 months: 2.20%; 1 year: 2.80%"]
    assert guessed_header_rows([["Fee", "2025", "2026"], ["Gold", "180", "200"]]) == 1
    assert guessed_header_rows([["2026年项目", "收费"], ["年费", "免收"]]) == 1
    assert guessed_header_rows([["a", "3 months", "x"], ["b", "6 months", "y"]]) == 0


def test_a_remark_across_the_table_is_text() -> None:
    blocks = table_blocks(
        [["Branch", "Hours"], ["East", "9 to 5"], ["Closed on Sundays.", ""], ["County", "County"]]
    )
    assert [(block.text, block.kind) for block in blocks] == [
        ("Branch: East; Hours: 9 to 5", "row"),
        ("Closed on Sundays.", "text"),
        ("County", "text"),
    ]


def test_a_header_alone_and_nothing_at_all() -> None:
    assert texts([["Card", "Fee"]], 1) == ["Card; Fee"]
    assert texts([["Card", "Fee", "Limit"]]) == ["Card; Fee; Limit"]
    assert texts([]) == texts([["", ""]]) == []


def test_sheets_have_lines_above_and_tables_below_each_other() -> None:
    grid = [
        ["Rates of 2026", "", ""],
        ["", "", ""],
        ["Term", "Rate", ""],
        ["1 year", "1.45%", ""],
        ["", "", ""],
        ["Loan", "Rate", "Fee"],
        ["Car", "4.20%", "none"],
    ]
    assert [block.text for block in sheet_blocks(grid)] == [
        "Rates of 2026",
        "Term: 1 year; Rate: 1.45%",
        "Loan: Car; Rate: 4.20%; Fee: none",
    ]
