"""Free answers in Markdown: what they state, which passages they name, and what they say is missing."""

import pytest

from answering.claims import denies, statement_spans, without_markers


@pytest.mark.parametrize(
    "sentence",
    [
        "The documents do not say this.",
        "Not in the documents.",
        "The provided passages don’t mention a fee for minors.",
        "Unfortunately, the text does not specify the opening hours on Sundays.",
        "There is no information in the provided context about parking.",
        "I'm sorry, but I cannot find that in the passages.",
        "I could not determine the fee.",
        "The answer is not given in these documents.",
        "None of the passages contain information about it, and no passage does mention it.",
        "文档没有说明这一点。",
        "文档中没有。",
        "根据提供的信息，无法确定该卡的年费。",
        "段落中未提及周日的营业时间。",
        "上述内容并未涉及贷款利率。",
        "抱歉，没有找到关于停车费的信息。",
    ],
)
def test_a_sentence_that_says_that_it_is_not_there_is_recognised(sentence: str) -> None:
    assert denies(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "The gold card does not include travel insurance.",
        "Employees other than managers may not sign documents.",
        "You cannot withdraw more than 500 yuan a day.",
        "No documents are needed to open the account.",
        "Bring the original documents; copies are not accepted.",
        "The fee is not refunded.",
        "未成年人不能办理信用卡。",
        "该卡不收年费。",
        "遗失的文件不予补发。",
        "材料不齐的，不予受理。",
    ],
)
def test_a_negative_rule_is_an_answer(sentence: str) -> None:
    assert not denies(sentence)


@pytest.mark.parametrize(
    ("text", "plain", "claims"),
    [
        ("It costs 200 yuan [1].", "It costs 200 yuan.", [(17, 1)]),
        ("It costs 200 yuan. [2][1] More.", "It costs 200 yuan. More.", [(18, 2), (18, 1)]),
        ("年费200元【1，2】。", "年费200元。", [(6, 1), (6, 2)]),
        ("See [this](http://a) and [3](b).", "See [this](http://a) and [3](b).", []),
        ("Article [9] applies [1, 2].", "Article [9] applies.", [(19, 1), (19, 2)]),
        ("", "", []),
    ],
)
def test_markers_are_taken_out_and_kept_with_their_places(
    text: str, plain: str, claims: list[tuple[int, int]]
) -> None:
    assert without_markers(text, 3) == (plain, claims)


MARKDOWN = """## Fees

The card costs **200 yuan** a year. It is free for staff.

You need:

1. Fill in the form.
2. Bring an identity card.
- A photo

| Card | Fee |
| --- | --- |
| Gold | 200 |

---
申请步骤：
1、填写表格。"""


def test_statements_are_sentences_items_and_rows_without_their_marks() -> None:
    assert [MARKDOWN[start:end] for start, end in statement_spans(MARKDOWN)] == [
        "The card costs **200 yuan** a year.",
        "It is free for staff.",
        "Fill in the form.",
        "Bring an identity card.",
        "A photo",
        "| Gold | 200 |",
        "填写表格。",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# Heading", "| a | b |\n|---|---|", "- ", "1. ", "```"])
def test_what_states_nothing_has_no_statements(text: str) -> None:
    assert [text[start:end] for start, end in statement_spans(text) if text[start:end].strip("-1. ")] == []
