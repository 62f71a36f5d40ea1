"""Rows that name their columns."""

from knowledge_base.loaders.tables import Merged, guessed_header_rows, sheet_blocks, table_blocks


def texts(grid: list[list[str]], header_rows: int | None = None) -> list[str]:
    return [block.text for block in table_blocks(grid, header_rows)]


def test_each_row_names_each_column_and_leaves_out_empty_cells() -> None:
    grid = [["Card", "Fee", "Limit"], ["Gold", "200", ""], ["", "", ""], ["Platinum", "680", "150,000"]]
    blocks = list(table_blocks(grid, page=3))
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


def test_a_filled_form_has_no_header_as_its_values_are_of_many_sorts() -> None:
    form = [["申请部门", "结算部"], ["柜号", "D-26"], ["押金", "85元"], ["领用日期", "2026年3月9日"]]
    assert texts(form) == ["申请部门：结算部", "柜号：D-26", "押金：85元", "领用日期：2026年3月9日"]
    assert guessed_header_rows([["项目", "内容"], *form]) == 1
    assert guessed_header_rows([["Service", "Price"], ["Courier", "20"], ["Letter", "free"]]) == 1


def test_names_may_begin_with_numbers() -> None:
    rates = [["Currency", "3 months", "1 year"], ["Dollar", "2.20%", "2.80%"]]
    assert texts(rates) == ["Currency: Dollar; 3 months: 2.20%; 1 year: 2.80%"]
    assert guessed_header_rows([["Fee", "2025", "2026"], ["Gold", "180", "200"]]) == 1
    assert guessed_header_rows([["2026年项目", "收费"], ["年费", "免收"]]) == 1
    assert guessed_header_rows([["a", "3 months", "x"], ["b", "6 months", "y"]]) == 0


def test_a_remark_across_the_table_is_text() -> None:
    blocks = table_blocks(
        [
            ["Branch", "Hours"],
            ["East", "9 to 5"],
            ["Closed on Sundays.", ""],
            ["County", Merged("County")],
            ["Free", "Free"],
        ]
    )
    assert [(block.text, block.kind) for block in blocks] == [
        ("Branch: East; Hours: 9 to 5", "row"),
        ("Closed on Sundays.", "text"),
        ("County", "text"),
        ("Branch: Free; Hours: Free", "row"),
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


def sheet_texts(grid: list[list[str]]) -> list[str]:
    return [block.text for block in sheet_blocks(grid)]


def test_equal_values_in_a_row_are_values() -> None:
    assert texts([["1 year", "2 years", "3 years"], ["3", "3", "3"], ["2.5", "2.6", "2.7"]]) == [
        "1 year: 3; 2 years: 3; 3 years: 3",
        "1 year: 2.5; 2 years: 2.6; 3 years: 2.7",
    ]


def test_definitions_keep_their_joining_word_and_have_no_header() -> None:
    assert texts([["本行", "指", "示例银行"], ["元", "指", "人民币元"]]) == [
        "本行 指 示例银行",
        "元 指 人民币元",
    ]


def test_forms_become_names_with_values() -> None:
    form = [["姓名", "张三", "性别", "男"], ["出生日期", "1990-01-01", "国籍", "中国"]]
    assert texts(form) == ["姓名：张三；性别：男", "出生日期：1990-01-01；国籍：中国"]
    assert texts([["Name:", "Ada", "Branch:", ""], ["Phone:", "", "Limit:", "500"]]) == [
        "Name: Ada; Branch",
        "Phone; Limit: 500",
    ]


def test_names_and_what_they_name_have_no_header_even_without_figures() -> None:
    rows = [
        ["公司的中文名称", "示例银行股份有限公司"],
        ["公司的法定代表人", "某某"],
        ["公司网址", "bank.example"],
    ]
    assert texts(rows)[0] == "公司的中文名称：示例银行股份有限公司"
    assert texts([["Branch", "Hours"], ["East", "9 to 5"]]) == ["Branch: East; Hours: 9 to 5"]


def test_lines_above_a_statement_are_not_its_header() -> None:
    grid = [
        ["利润表", Merged("利润表"), Merged("利润表")],
        ["编制单位：示例公司", "2025年度", "单位：万元"],
        ["项目", "本期", "上期"],
        ["营业收入", "1,200", "1,100"],
    ]
    assert sheet_texts(grid) == [
        "利润表",
        "编制单位：示例公司  2025年度  单位：万元",
        "项目：营业收入；本期：1,200；上期：1,100",
    ]


def test_tables_side_by_side_are_read_one_after_the_other() -> None:
    grid = [
        ["Card", "Fee", "", "", ""],
        ["Gold", "300", "", "Branch", "Phone"],
        ["Black", "3,600", "", "North", "1001"],
    ]
    assert sheet_texts(grid) == [
        "Card: Gold; Fee: 300",
        "Card: Black; Fee: 3,600",
        "Branch: North; Phone: 1001",
    ]
    spaced = [["Item", "2024", "", "2023", "2022"], ["Loans", "5", "", "4", "3"]]
    assert sheet_texts(spaced) == ["Item: Loans; 2024: 5; 2023: 4; 2022: 3"]


def test_a_row_may_name_the_columns_again() -> None:
    grid = [
        ["", "本报告期", "上年同期"],
        ["营业收入", "4,755", "5,699"],
        ["", "本报告期末", "上年度末"],
        ["总资产", "298,608", "306,236"],
    ]
    assert texts(grid) == [
        "营业收入；本报告期：4,755；上年同期：5,699",
        "总资产；本报告期末：298,608；上年度末：306,236",
    ]
    halves = [["Assets", "2025", "2024"], ["Cash", "5", "4"], ["Debts", "2025", "2024"], ["Loans", "3", "2"]]
    assert texts(halves) == ["Assets: Cash; 2025: 5; 2024: 4", "Debts: Loans; 2025: 3; 2024: 2"]
    words = [["Card", "Fee", "Note"], ["Gold", "200", "once a year"], ["", "free", "for students"]]
    assert texts(words)[1] == "Fee: free; Note: for students"


def test_rows_of_a_form_that_repeat_the_names_of_columns_stay() -> None:
    grid = [["Question", "Yes", "No"], ["Smoker", "Yes", "No"], ["Diabetic", "Yes", "No"]]
    assert [block.text for block in table_blocks(grid)] == [
        "Question: Smoker; Yes; No",
        "Question: Diabetic; Yes; No",
    ]
    assert texts([["a", "b"], ["a", "b"]])
    assert texts([["Top", "Bottom"], ["Center", ""]]) == ["Top; Bottom", "Center"]
    blank = [["No.", "Name", "Signature", "Remarks"], ["1", "Ada", "", ""], ["2", "Bob", "", ""]]
    assert texts(blank) == ["Signature; Remarks", "No.: 1; Name: Ada", "No.: 2; Name: Bob"]
