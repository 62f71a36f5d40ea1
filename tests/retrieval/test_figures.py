"""Questions for figures, and texts that hold some."""

import pytest

from retrieval.figures import asks_for_figure, holds_figure


@pytest.mark.parametrize(
    "question",
    [
        "How many teams are there?",
        "In what year was it founded?",
        "when does it close",
        "What is the annual fee of the gold card?",
        "年费是多少？",
        "哪年成立的？",
        "要等几天",
        "首套房贷款利率",
    ],
)
def test_who_asks_for_a_figure(question: str) -> None:
    assert asks_for_figure(question)


@pytest.mark.parametrize(
    "question",
    ["Who founded it?", "Whenever was meant?", "Which branch lets boxes?", "谁创立的？", "在哪里？"],
)
def test_who_does_not(question: str) -> None:
    assert not asks_for_figure(question)


@pytest.mark.parametrize(
    "text", ["It costs 500 yuan.", "Two papers are needed.", "三年后到期", "百分之五，二十元"]
)
def test_a_text_with_a_figure(text: str) -> None:
    assert holds_figure(text)


@pytest.mark.parametrize("text", ["It is free.", "Nobody won.", "一般不收费", ""])
def test_a_text_without(text: str) -> None:
    assert not holds_figure(text)
