"""What a model is asked for questions, and what is read from its replies, however it words them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.pairs.generate import (
    Candidate,
    GenerateSettings,
    excerpts,
    generate_pairs,
    parse_reply,
    question_prompt,
)
from knowledge_base.values import Passage
from retrieval.prompt import Message, plain_text
from tests.fakes import a_document

FEES = (
    "These are our fees. The platinum card costs 680 yuan a year. It is free for customers of two years. "
    "Ask us. The gold card costs 200 yuan a year."
)


def a_passage(text: str, title: str = "Fees 2026", path: str = "fees.pdf") -> Passage:
    return a_document(path, [text], title=title).passages[0]


def writing(*replies: str) -> tuple[Callable[[tuple[Message, ...]], str], list[tuple[Message, ...]]]:
    """A model that gives these replies in turn, and what it was asked."""
    asked: list[tuple[Message, ...]] = []

    def write(messages: tuple[Message, ...]) -> str:
        asked.append(messages)
        return replies[len(asked) - 1]

    return write, asked


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("What is the fee?\nAnswer: 680 yuan", [("What is the fee?", "680 yuan")]),
        ("Question: What is the fee?\nAnswer: 680 yuan", [("What is the fee?", "680 yuan")]),
        (" What is the fee? Answer: 680 yuan", [("What is the fee?", "680 yuan")]),
        ("**Question:** What is the fee?\n**Answer:** 680 yuan", [("What is the fee?", "680 yuan")]),
        ("Q: What is the fee?\nA: 680 yuan\n", [("What is the fee?", "680 yuan")]),
        ("年费是多少？\n回答：680元", [("年费是多少？", "680元")]),
        ("问题：年费是多少？\n答案：“680元”\n", [("年费是多少？", "680元")]),
        ("问：年费是多少？\n答：680元", [("年费是多少？", "680元")]),
        ("年费是多少？答案：680元", [("年费是多少？", "680元")]),
        (
            "1. Question: Fee?\n   Answer: 5\n2. Question: Limit?\n   Answer: 7 cards\n",
            [("Fee?", "5"), ("Limit?", "7 cards")],
        ),
        (
            "Question 1: Fee?\nAnswer 1: 5\n\nQuestion 2: Limit?\nAnswer 2: 7",
            [("Fee?", "5"), ("Limit?", "7")],
        ),
        ("Fee?\nAnswer: 5\n\nQuestion: Limit?\nAnswer: 7", [("Fee?", "5"), ("Limit?", "7")]),
        ("Fee?\nAnswer: 5\n\nText: More rules\nQuestion: Why?\nAnswer: because", [("Fee?", "5")]),
        ("Fee?\nAnswer: 5<|im_end|>\nQuestion: Why?\nAnswer: x", [("Fee?", "5")]),
        ("Fee?\nAnswer: 5\nSome more words", [("Fee?", "5")]),
        ("Fee?\nAnswer: 5\nQuestion: Fee?\nAnswer: 5", [("Fee?", "5")]),
        ("What is\nthe fee?\nAnswer: 5", [("What is the fee?", "5")]),
        ("Fee?\nAnswer:", []),
        ("Answer: 5", []),
        ("I cannot do that.", []),
        ("Question: Fee?", []),
        ("", []),
    ],
)
def test_questions_and_answers_are_read_however_they_are_labelled(
    reply: str, expected: list[tuple[str, str]]
) -> None:
    assert parse_reply(reply) == expected


@given(st.text(alphabet="Qq?:：问题答案回答Answer Text\n*12.", max_size=80))
def test_any_reply_gives_filled_questions_and_answers_of_one_line(reply: str) -> None:
    for question, answer in parse_reply(reply):
        assert question == question.strip() != ""
        assert answer == answer.strip() != ""
        assert "\n" not in question + answer


@pytest.mark.parametrize(
    ("text", "beginning", "end"),
    [
        ("Fees\nThe fee is 5.", "Write a question", "Text: Fees\nThe fee is 5.\nQuestion:"),
        ("价目\n年费5元。", "根据文本写一个", "文本：价目\n年费5元。\n问题："),
    ],
)
def test_the_prompt_is_in_the_language_of_the_text_and_ends_where_the_reply_begins(
    text: str, beginning: str, end: str
) -> None:
    prompt = plain_text(question_prompt(text))
    assert prompt.startswith(beginning)
    assert prompt.endswith(end)


@pytest.mark.parametrize("text", ["The fee is 5.", "年费5元。"])
def test_the_worked_examples_read_as_their_own_replies(text: str) -> None:
    messages = question_prompt(text)
    replies = [message.content for message in messages if message.role == "assistant"]
    assert len(replies) >= 2
    assert all(len(parse_reply(reply)) == 1 for reply in replies)


def test_excerpts_are_the_sentences_that_say_most_under_their_headings() -> None:
    assert excerpts(a_passage(FEES), 2) == [
        "Fees 2026\nThese are our fees.\nThe platinum card costs 680 yuan a year.",
        "Fees 2026\nAsk us.\nThe gold card costs 200 yuan a year.",
    ]
    assert len(excerpts(a_passage(FEES), 9)) == 3
    assert excerpts(a_passage("Ask us."), 3) == []


def test_every_excerpt_of_every_passage_is_asked_about() -> None:
    write, asked = writing("Fee?\nAnswer: 680", "no idea", "多少？\n回答：5元\n问题：几张？\n回答：2张")
    passages = [a_passage(FEES), a_passage("白金卡的年费每年五元，共两张。", "", "价.md")]
    found = list(generate_pairs(passages, write, GenerateSettings(per_passage=2)))
    assert found == [
        Candidate(passages[0], "Fee?", "680"),
        Candidate(passages[0], "", ""),
        Candidate(passages[1], "多少？", "5元"),
        Candidate(passages[1], "几张？", "2张"),
    ]
    assert [messages[-1].content.partition("\n")[0] for messages in asked] == [
        "Text: Fees 2026",
        "Text: Fees 2026",
        "文本：白金卡的年费每年五元，共两张。",
    ]


def test_questions_come_one_by_one_so_that_a_run_can_be_watched_and_stopped() -> None:
    write, asked = writing("Fee?\nAnswer: 680", "never asked for")
    assert next(generate_pairs([a_passage(FEES)], write)).answer == "680"
    assert len(asked) == 1
