"""Tables without lines become rows with the names of their columns."""

from collections.abc import Sequence

from reportlab.pdfgen.canvas import Canvas

from knowledge_base.loaders.pdf import load_pdf
from tests.knowledge_base.loaders.pdf.building import Draw, drawn, lines, texts, together


def table(rows: Sequence[Sequence[str]], xs: Sequence[float], top: float = 740, leading: float = 16) -> Draw:
    return together(*(lines([row[n] for row in rows], x, top, 10, leading) for n, x in enumerate(xs)))


def test_columns_are_found_by_the_gaps_that_all_rows_share() -> None:
    rows = [["Route", "Fare", "Minutes"], *([f"R{n:03}", f"{n + 5}.50", f"{n * 2}"] for n in range(6))]
    for xs in ((60, 100, 135), (60, 200, 340)):
        found = texts(drawn(table(rows, xs)))
        assert found == [f"Route: R{n:03}; Fare: {n + 5}.50; Minutes: {n * 2}" for n in range(6)]


def test_a_table_without_lines_continues_under_its_header_on_further_pages() -> None:
    rows = [[f"R{n:03}", f"{n + 5}.50", f"{n * 2}"] for n in range(9)]
    pages = [table([["Route", "Fare", "Minutes"], *rows[:3]], (60, 150, 250))]
    pages += [table(rows[n : n + 3], (60, 150, 250)) for n in (3, 6)]
    blocks = load_pdf(drawn(*pages)).blocks
    assert [block.page for block in blocks] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert blocks[8].text == "Route: R008; Fare: 13.50; Minutes: 16"


def test_rows_may_be_drawn_a_little_higher_or_lower_and_in_any_order() -> None:
    names = table([["Branch", "Limit"], ["North", "450"], ["South", "300"]], (60, 200))
    years = [
        lines(["2023", "1,637.5", "1,485.1"], 490, 740, leading=16),
        lines(["2022", "851.5", "633.6"], 410, 737, leading=16),
    ]
    assert texts(drawn(together(names, *years))) == [
        "Branch: North; Limit: 450; 2022: 851.5; 2023: 1,637.5",
        "Branch: South; Limit: 300; 2022: 633.6; 2023: 1,485.1",
    ]


def test_a_cell_of_two_lines_is_one_cell() -> None:
    rows = [
        ["Code", "Meaning", "Fee"],
        ["HM-1", "Card was not accepted by", "1.50"],
        ["", "the terminal", ""],
        ["HM-2", "Wrong number", "2.50"],
        ["HM-3", "Card is blocked", "3.50"],
    ]
    drawing = together(
        table(rows[:2], (60, 150, 330), 740, 16),
        table(rows[2:3], (60, 150, 330), 712, 16),
        table(rows[3:], (60, 150, 330), 692, 16),
    )
    assert texts(drawn(drawing)) == [
        "Code: HM-1; Meaning: Card was not accepted by the terminal; Fee: 1.50",
        "Code: HM-2; Meaning: Wrong number; Fee: 2.50",
        "Code: HM-3; Meaning: Card is blocked; Fee: 3.50",
    ]


def test_single_signs_of_a_font_that_the_file_does_not_carry_are_kept() -> None:
    rows = [["期限", "数值", "单位", "评级"], ["三年", "3", "%", "A"], ["五年", "4", "%", "B"]]
    assert texts(drawn(table(rows, (60, 180, 300, 420)))) == [
        "期限：三年；数值：3；单位：%；评级：A",
        "期限：五年；数值：4；单位：%；评级：B",
    ]


def test_justified_text_and_lists_are_no_tables() -> None:
    wide = [
        "Every   customer   of   the   bank   may   close",
        "an   account   at   any   time   without   giving",
        "a   reason   to   anybody   who   works   there.",
    ]
    assert all(block.kind == "text" for block in load_pdf(drawn(lines(wide))).blocks)
    items = ["Lock the card", "Call the bank", "Wait for an answer"]
    numbered = together(lines(["1.", "2.", "3."]), lines(items, x=90))
    assert texts(drawn(numbered)) == [f"{n}. {item}" for n, item in enumerate(items, start=1)]


def test_rows_that_no_line_divides_are_rows_of_a_table_with_upright_lines() -> None:
    rows = [
        ["Card", "Fee", "Limit"],
        ["Gold", "200", "50,000"],
        ["Platinum", "680", "150,000"],
        ["Student", "15", "900"],
    ]

    def lined(canvas: Canvas) -> None:
        for x in (50, 190, 290, 400):
            canvas.line(x, 680, x, 755)
        for y in (680, 735, 755):
            canvas.line(50, y, 400, y)
        table(rows, (60, 200, 300))(canvas)

    assert texts(drawn(lined)) == [f"Card: {row[0]}; Fee: {row[1]}; Limit: {row[2]}" for row in rows[1:]]


def test_gaps_of_stretched_text_that_do_not_line_up_make_no_table() -> None:
    rows = [
        ("tection, character", "recognition, and", "many other tasks"),
        ("of", "documents are", "part of it all"),
    ]
    places = [(60, 190, 330), (60, 168, 300)]
    page = together(
        *(
            lines([text], x, 740 - 14 * n)
            for n, row in enumerate(rows)
            for text, x in zip(row, places[n], strict=True)
        )
    )
    assert [block.kind for block in load_pdf(drawn(page)).blocks] == ["text"]
