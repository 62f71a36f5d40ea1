"""The one place that renders a prompt, for training, evaluation and serving alike.

A change of any text here changes what adapters were trained on: `PROMPT_VERSION` is stored in each
adapter's manifest and must grow with every such change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from knowledge_base.characters import has_chinese

Role = Literal["system", "user", "assistant"]
Language = Literal["en", "zh"]
Style = Literal["words", "sentence"]

LANGUAGES: tuple[Language, ...] = get_args(Language)

PROMPT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation as chat models take it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """A worked question for a model without an adapter."""

    text: str
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class _Wording:
    task: str
    refusal: str
    words: str
    sentence: str
    text: str
    question: str
    answer: str


_WORDINGS: dict[Language, _Wording] = {
    "en": _Wording(
        task="Answer each question from its text alone. If the answer is not in the text, reply: {refusal}",
        refusal="Not in the documents.",
        words="Answer in as few words as possible, copied from the text.",
        sentence="Answer in one or two full sentences.",
        text="Text: ",
        question="Question: ",
        answer="Answer:",
    ),
    "zh": _Wording(
        task="只根据每题的文本回答问题。文本中没有答案时，回答：{refusal}",
        refusal="文档中没有。",
        words="从文本中摘取尽量少的字回答。",
        sentence="用一两个完整的句子回答。",
        text="文本：",
        question="问题：",
        answer="回答：",
    ),
}

# None of them is refused: such an example makes a model without an adapter refuse at random. Whether there is
# an answer is not its strength; other signals decide it too.
EXAMPLES: dict[Language, tuple[Example, ...]] = {
    "en": (
        Example(
            "Library rules\nThe reading room opens at 9:30 and closes at 18:00. Members may borrow up to "
            "12 books for four weeks. A lost reader's ticket is replaced for 7 pounds.",
            "How many books can a member take home?",
            "12 books",
        ),
        Example(
            "Ferries › Summer timetable\nRoute: Elm Island; First boat: 06:40; Fare: 5.20\n"
            "Route: North Cape; First boat: 07:15; Fare: 8.90",
            "What does the crossing to North Cape cost?",
            "8.90",
        ),
        Example(
            "The lighthouse at Gull Point was built in 1871 by Martha Keane after the wreck of the Aurora.",
            "Who built the lighthouse?",
            "Martha Keane",
        ),
    ),
    "zh": (
        Example(
            "图书馆规则\n阅览室九点半开放，十八点关闭。会员最多可借十二本书，"
            "借期四周。补办遗失的借书证收费7元。",
            "会员一次能借几本书？",
            "十二本",
        ),
        Example(
            "轮渡 › 夏季时刻表\n航线：榆树岛；首班：06:40；票价：5.20元\n"
            "航线：北角；首班：07:15；票价：8.90元",
            "去北角的船票多少钱？",
            "8.90元",
        ),
        Example(
            "鸥角灯塔由马莎·基恩于1871年在“曙光号”沉没之后建成。",
            "灯塔是谁建的？",
            "马莎·基恩",
        ),
    ),
}


def language_of(text: str) -> Language:
    """Chinese if the text holds any Han character, else English."""
    return "zh" if has_chinese(text) else "en"


def refusal(language: Language) -> str:
    """What a model replies when its text does not hold the answer."""
    return _WORDINGS[language].refusal


def is_refusal(text: str) -> bool:
    """Whether a model's reply is the refusal, in either language."""
    reply = text.strip().rstrip(".。").lower()
    return any(reply.startswith(w.refusal.rstrip(".。").lower()) for w in _WORDINGS.values())


def render(
    question: str,
    texts: Sequence[str],
    style: Style = "words",
    examples: Sequence[Example] = (),
) -> tuple[Message, ...]:
    """The messages that ask `question` of `texts`, in the question's language.

    The text precedes the question, so that a model's prefix cache serves the next question on the
    same text. `examples` show a model without an adapter what is wanted; an adapter needs none.
    """
    wording = _WORDINGS[language_of(question)]
    manner = wording.words if style == "words" else wording.sentence
    system = f"{wording.task.format(refusal=wording.refusal)} {manner}"
    messages = [Message("system", system)]
    for example in examples:
        messages.append(Message("user", _turn(wording, (example.text,), example.question)))
        messages.append(Message("assistant", example.answer))
    messages.append(Message("user", _turn(wording, texts, question)))
    return tuple(messages)


def _turn(wording: _Wording, texts: Sequence[str], question: str) -> str:
    text = "\n\n".join(texts)
    return f"{wording.text}{text}\n{wording.question}{question}\n{wording.answer}"


def plain_text(messages: Sequence[Message]) -> str:
    """The prompt of a model without a chat template: turns separated by a blank line.

    A user turn ends with "Answer:" or "回答：", so the assistant's text follows it directly.
    """
    rendered = ""
    for message in messages:
        if rendered:
            rendered += reply_separator(rendered) if message.role == "assistant" else "\n\n"
        rendered += message.content
    return rendered


def reply_separator(prompt: str) -> str:
    """What separates a plain prompt from its reply: a space, but none after a full-width colon."""
    return "" if prompt.endswith("：") else " "
