"""Questions with their answers from passages, written by a model: what to ask it, and what it replied."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from finetune.pairs.near_duplicates import NEAR
from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Passage
from retrieval.analysis import content_terms, numbers_of
from retrieval.prompt import EXAMPLES, Language, Message, language_of

# Gives a model messages and returns its reply.
Write = Callable[[tuple[Message, ...]], str]

_LEAST_WORDS = 4


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """How many questions a passage is asked for, and what a good one is.

    `per_passage` is the number of excerpts of a passage that are shown to the model, one at a time. `k` is
    among how many passages the retriever must find the right one. `longest_*` are characters.
    `near_duplicate` is the likeness from which two questions are the same, in (0, 1].
    """

    per_passage: int = 3
    k: int = 5
    longest_question: int = 200
    longest_answer: int = 80
    near_duplicate: float = NEAR


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question and answer that a model wrote on a passage; both are "" where its reply held none."""

    passage: Passage
    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class _Wording:
    task: str
    text: str
    question: str
    answer: str


_WORDINGS: dict[Language, _Wording] = {
    "en": _Wording(
        task="Write a question that a reader could ask and that the text answers. Name what it is about, for"
        " the reader does not see the text. Then give the answer in as few words as possible, copied from the"
        " text.",
        text="Text: ",
        question="Question:",
        answer="Answer:",
    ),
    "zh": _Wording(
        task="根据文本写一个读者可能提出、文本能够回答的问题。读者看不到文本，问题要说清所问的是什么。"
        "然后从文本中摘取尽量少的字作为答案。",
        text="文本：",
        question="问题：",
        answer="回答：",
    ),
}

_MARKUP = r"[ \t>#*_`\-•\d.)）(（]*"
_ASKS = rf"(?:^|\n){_MARKUP}(?:question|q|问题|提问|问)[ \t*_]*\d{{0,2}}[ \t*_]*[:：]"
_REPLIES = (
    rf"(?:(?:^|\n){_MARKUP}(?:answer|a|答案|回答|答)|(?<=[?？。\s*])(?:answer|答案|回答))"
    r"[ \t*_]*\d{0,2}[ \t*_]*[:：]"
)
_ASKED = re.compile(_ASKS, re.IGNORECASE)
_REPLIED = re.compile(_REPLIES, re.IGNORECASE)
# Where a model without a chat template continues with a task of its own.
_NEXT_TASK = re.compile(
    rf"\n{_MARKUP}(?:text|passage|文本|原文)[ \t*_]*[:：]|<\|?(?:im_end|end_of_turn|eot_id|endoftext)", re.I
)
_EDGES = ' \t\r\n*_`"“”「」'


def generate_pairs(
    passages: Sequence[Passage], write: Write, settings: GenerateSettings | None = None
) -> Iterator[Candidate]:
    """Ask a model for questions on each passage, excerpt by excerpt; nothing is judged yet.

    Args:
        passages: what is asked about, each in its own language.
        write: gives the messages to a model and returns its reply.
        settings: how many excerpts of a passage are shown.

    Yields:
        Every question with its answer as it was written, and one empty candidate for a reply without any.
    """
    settings = settings or GenerateSettings()
    for passage in passages:
        for excerpt in excerpts(passage, settings.per_passage):
            written = parse_reply(write(question_prompt(excerpt)))
            for question, answer in written or [("", "")]:
                yield Candidate(passage, question, answer)


def excerpts(passage: Passage, count: int) -> list[str]:
    """Up to `count` pieces of a passage, under its title and headings, in their order.

    Each is one of the sentences that say most, with the one before it, which may tell what "it" is. A small
    model asks about what it is shown first; shown one sentence at a time, it asks about each.
    """
    sentences = [passage.text[start:end] for start, end in sentence_spans(passage.text)]
    weights = [_weight(sentence) for sentence in sentences]
    places = [place for place, weight in enumerate(weights) if weight[1] >= _LEAST_WORDS]
    best = sorted(places, key=lambda place: weights[place], reverse=True)[:count]
    above = passage.indexed_text[: -len(passage.text)] if passage.text else ""
    return [above + "\n".join(sentences[max(0, place - 1) : place + 1]) for place in sorted(best)]


def _weight(sentence: str) -> tuple[bool, int]:
    return bool(numbers_of(sentence)), len(content_terms(sentence))


def question_prompt(text: str) -> tuple[Message, ...]:
    """The messages that ask for a question on `text`, in its language, with worked examples before it.

    The reply is expected to be the question, and under it the answer behind its label. A base model without a
    chat template needs the examples; it simply continues the text.
    """
    language = language_of(text)
    wording = _WORDINGS[language]
    messages = [Message("system", wording.task)]
    for example in EXAMPLES[language]:
        messages.append(Message("user", f"{wording.text}{example.text}\n{wording.question}"))
        space = "" if language == "zh" else " "
        reply = f"{example.question}\n{wording.answer}{space}{example.answer}"
        messages.append(Message("assistant", reply))
    messages.append(Message("user", f"{wording.text}{text}\n{wording.question}"))
    return tuple(messages)


def parse_reply(reply: str) -> list[tuple[str, str]]:
    """The questions with their answers in a model's reply, in its order; those without either are left out.

    Labels may be in English or Chinese, numbered or in Markdown, on lines of their own or not; the label of
    the first question may be missing. What the model writes behind that, as its next task, is cut off.
    """
    text = _NEXT_TASK.split(reply.strip(), maxsplit=1)[0]
    first = _ASKED.search(text)
    answered = _REPLIED.search(text)
    if first is None or (answered is not None and answered.start() < first.start()):
        text = f"Question: {text}"
    starts = [match.end() for match in _ASKED.finditer(text)]
    ends = [match.start() for match in _ASKED.finditer(text)][1:] + [len(text)]
    written = (_divided(text[start:end]) for start, end in zip(starts, ends, strict=True))
    return list(dict.fromkeys(pair for pair in written if all(pair)))


def _divided(text: str) -> tuple[str, str]:
    """Question and answer of one entry, each on one line."""
    match = _REPLIED.search(text)
    if match is None:
        return "", ""
    answer = text[match.end() :].strip().partition("\n")[0]
    return " ".join(text[: match.start()].split()).strip(_EDGES), answer.strip(_EDGES)
