"""What a question asks for is seen in its wording."""

import pytest

from answering.question import Asked, kind_of, subquestions
from answering.smalltalk import reply, small_talk
from answering.statement import statement


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What does a locker cost?", "fact"),
        ("Is the garden open on Sundays?", "yesno"),
        ("My parcel was sent to the wrong town. Can I have it redirected?", "yesno"),
        ("How do I renew my badge?", "howto"),
        ("What happens if I miss the exam?", "howto"),
        ("Which halls are open on Sunday?", "list"),
        ("What documents do I need to enrol?", "list"),
        ("Which pass is the most expensive?", "compare"),
        ("Compare the day pass and the year pass.", "compare"),
        ("Under what conditions is the deposit returned?", "condition"),
        ("What is a deductible?", "definition"),
        ("What does deductible mean?", "definition"),
        ("Summarise the rules for guests.", "summary"),
        ("储物柜多少钱？", "fact"),
        ("周日开放吗？", "yesno"),
        ("证件丢了怎么办？", "howto"),
        ("报名要带什么？", "list"),
        ("哪个展厅最大？", "compare"),
        ("月票和年票差多少？", "compare"),
        ("什么情况下退押金？", "condition"),
        ("什么是免赔额？", "definition"),
        ("概括一下访客规定。", "summary"),
    ],
)
def test_the_kind_of_a_question(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_what_a_question_fixes() -> None:
    asked = Asked("What did the month pass for 3 persons cost in dollars in 2025?")
    assert asked.years == {"2025"}
    assert [quantity.value for quantity in asked.quantities] == [3]
    assert asked.wants == "amount"
    assert Asked("How much is it in US dollars?").currency == "dollar"
    assert Asked("How much is a ticket?").currency == ""
    assert Asked("Which tower is the highest?").direction == "highest"


def test_several_questions_in_one_are_each_complete() -> None:
    found = subquestions(Asked("Which passes do you sell and what do they cost?"))
    assert [part.text for part in found] == ["Which passes do you sell", "what do passes cost?"]
    assert [part.kind for part in found] == ["list", "list"]
    assert [part.text for part in subquestions(Asked("可以退票吗，要带什么？"))] == [
        "可以退票吗",
        "退票要带什么？",
    ]


@pytest.mark.parametrize(
    ("message", "talk"),
    [
        ("Good morning!", "greeting"),
        ("在吗", "greeting"),
        ("Great, thank you very much", "thanks"),
        ("好的，谢谢！", "thanks"),
        ("What can you do?", "about"),
        ("你能做什么？", "about"),
        ("Bye!", "farewell"),
        ("Hello, what does a locker cost?", ""),
        ("What can I do about noise?", ""),
        ("谢绝参观是什么意思？", ""),
    ],
)
def test_small_talk_is_distinguished_from_questions(message: str, talk: str) -> None:
    assert small_talk(message) == talk


def test_a_greeting_says_what_is_there_and_offers_the_questions() -> None:
    titles = ["House rules", "price-list", "Prices", "价目表"]
    text = reply("greeting", "en", titles, ["What is the price of a locker?"])
    assert "“House rules” and “Prices”" in text
    assert text.endswith("\n- What is the price of a locker?")
    assert "价目表" not in text
    assert "《价目表》" in reply("about", "zh", titles, [])


@pytest.mark.parametrize(
    ("question", "value", "sentence"),
    [
        ("What is the price of a locker?", "2 euros", "The price of a locker is 2 euros."),
        ("What does a day pass cost in 2026?", "9 euros", "A day pass costs 9 euros in 2026."),
        ("How many guests does a year pass allow?", "3", "A year pass allows 3 guests."),
        ("How many staff did Lund have in 2025?", "44", "Lund had 44 staff in 2025."),
        ("储物柜的押金是多少？", "10元", "储物柜的押金是10元。"),
        ("月票多少钱？", "90元", "月票为90元。"),
        ("How much is a day pass this year (2026)?", "9 euros", "A day pass is 9 euros (2026)."),
        ("月票今年（2026年）多少钱？", "90元", "月票为90元（2026年）。"),
        ("Why so much?", "9 euros", ""),
    ],
)
def test_a_question_becomes_the_sentence_that_answers_it(question: str, value: str, sentence: str) -> None:
    language = "en" if question.isascii() else "zh"
    assert statement(question, value, language) == sentence
