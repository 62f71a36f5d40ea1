"""The one prompt function: language, order of parts, refusals."""

import pytest

from retrieval.prompt import (
    EXAMPLES,
    Language,
    Message,
    is_refusal,
    language_of,
    plain_text,
    refusal,
    render,
    reply_separator,
)


@pytest.mark.parametrize(
    ("text", "language"),
    [("annual fee?", "en"), ("年费是多少？", "zh"), ("VISA 卡的 fee", "zh"), ("", "en"), ("Gebühr", "en")],
)
def test_any_han_character_makes_a_question_chinese(text: str, language: Language) -> None:
    assert language_of(text) == language


def test_the_text_precedes_the_question_so_that_its_prefill_can_be_reused() -> None:
    last = render("What is the fee?", ["Fees\nThe fee is 5."])[-1].content
    assert last == "Text: Fees\nThe fee is 5.\nQuestion: What is the fee?\nAnswer:"


def test_the_prompt_speaks_the_language_of_the_question_not_of_the_text() -> None:
    messages = render("年费是多少？", ["The fee is 5."])
    assert refusal("zh") in messages[0].content
    assert messages[-1].content.endswith("问题：年费是多少？\n回答：")


def test_the_style_is_one_line_of_the_instruction() -> None:
    words, sentence = render("Why?", ["x"], "words")[0].content, render("Why?", ["x"], "sentence")[0].content
    assert words != sentence
    assert render("Why?", ["x"], "words")[1:] == render("Why?", ["x"], "sentence")[1:]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_examples_show_answers_copied_from_their_texts(language: Language) -> None:
    question = "为什么？" if language == "zh" else "Why?"
    messages = render(question, ["x"], examples=EXAMPLES[language])
    replies = [message.content for message in messages if message.role == "assistant"]
    assert len(replies) == len(EXAMPLES[language])
    assert all(replies)
    assert all(example.answer in example.text for example in EXAMPLES[language])


def test_plain_text_puts_a_reply_right_behind_its_question() -> None:
    turns = [
        Message("system", "S"),
        Message("user", "Q\nAnswer:"),
        Message("assistant", "A"),
        Message("user", "R"),
    ]
    assert plain_text(turns) == "S\n\nQ\nAnswer: A\n\nR"


def test_a_full_width_colon_needs_no_space_behind_it() -> None:
    assert plain_text([Message("user", "回答："), Message("assistant", "是")]) == "回答：是"
    assert reply_separator("Answer:") == " "


@pytest.mark.parametrize(
    "reply", ["Not in the documents.", " not in the documents", "文档中没有。", "文档中没有"]
)
def test_refusals_are_recognised(reply: str) -> None:
    assert is_refusal(reply)


@pytest.mark.parametrize("reply", ["Nothing", "The documents", "文档", "", "It is not in the documents."])
def test_other_replies_are_not_refusals(reply: str) -> None:
    assert not is_refusal(reply)
