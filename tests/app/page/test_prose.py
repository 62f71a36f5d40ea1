"""The Markdown of answers becomes paragraphs, lists and tables, with everything escaped."""

from app.page.markup import Markup
from app.page.rendering.prose import Span, prose

MARK = Markup("<i>1</i>")


def test_a_list_is_a_list_and_a_step_keeps_its_sentences() -> None:
    spans = [
        Span("", "Do this:"),
        Span("\n\n1. ", "**Lock it**", MARK),
        Span(" ", "It takes a minute.", MARK),
        Span("\n\n2. ", "Call us.", MARK),
    ]
    html = str(prose(spans))
    assert html.count("<li>") == 2
    assert "<b>Lock it</b>" in html
    assert html.index("It takes a minute.") < html.index("</li>")
    assert html.startswith("<p>")


def test_a_comparison_is_a_table_with_its_marks() -> None:
    spans = [
        Span("", "| Pass | Price |\n| --- | --- |", MARK),
        Span("\n", "| Day | 6 |", MARK),
        Span("\n", "| Year | 380 |", MARK),
    ]
    html = str(prose(spans))
    assert html.startswith("<table>")
    assert html.count("<tr>") == 3
    assert "<th>Pass</th>" in html
    assert "<td>380<i>1</i></td>" in html
    assert "---" not in html


def test_text_of_documents_is_never_markup() -> None:
    html = str(prose([Span("", "<b>x</b> **<script>**"), Span("\n", "| <td> | y |"), Span("\n\n- ", "<li>")]))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;td&gt;" in html
    assert html.count("<li>") == 1
