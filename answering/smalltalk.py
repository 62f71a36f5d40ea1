"""Greetings, thanks and questions about ourselves: answered without a search, with questions that can be answered."""

import re
from collections.abc import Iterable, Sequence

from answering.quantities import years_in
from retrieval.prompt import Language

_POLITE = r"(?:[\W_]*(?:there|everyone|everybody|all|team|again|sir|madam|so much|very much|a lot|a bunch|in advance|啊|呀|哈|呢|了|啦|哦|喽|大家|各位))*"
_GREETING = re.compile(
    rf"^(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings|hallo|yo|你好|您好|嗨|哈喽|哈啰|在吗|在么|早上好"
    rf"|上午好|下午好|晚上好|早安|早|大家好|有人吗){_POLITE}[\s!.,?？！。，~～]*$",
    re.IGNORECASE,
)
_THANKS = re.compile(
    rf"^(?:(?:ok(?:ay)?|great|perfect|good|nice|cool|wonderful|excellent|awesome|got it|i see|understood|好的?|明白了?|知道了|懂了|嗯+|行|收到)?"
    rf"[,!.，。！ ]*)(?:(?:many )?thanks?(?: you)?|thx|cheers|much appreciated|that helps|that was helpful|谢谢[您你]?|多谢|感谢|辛苦了?)?"
    rf"(?:[,!.，。！ ]*(?:for (?:your|the) help|that (?:really )?helps?(?: a lot)?|that was (?:very )?helpful|你的帮助|您的帮助|帮了大忙))?{_POLITE}[\s!.,！。，~～]*$",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"^(?:bye|goodbye|bye[- ]bye|see you(?: later)?|good night|再见|拜拜|回头见|晚安)[\s!.,！。~～]*$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    rf"^(?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|你好|您好){_POLITE}[,!.，。！ ]*)?(?:so |and |please |请问一?下?[，,]?)?(?:what (?:can|could|do) you (?:do|know|help(?: me)? with|answer)(?: for me)?|who are you|what are you"
    r"|what is this|how (?:can|do) you (?:help|work)(?: me)?|how does this work|what can i ask(?: you)?|what (?:kinds? of )?(?:questions?|things) can (?:i ask|you answer)"
    r"(?: you)?|can you help(?: me)?|are you (?:a )?(?:bot|robot|human|person|real|an ai)|help"
    r"|[你您](?:都)?(?:能|会|可以)(?:做|干|帮我做|回答|帮我|帮忙?做?)(?:些|点|到)?(?:什么|啥|哪些问题|什么问题|哪些忙|什么忙)?|[你您]是谁|[你您]是什么|[你您]有什么(?:用|功能)|怎么(?:用|使用)(?:你|这个)?|我(?:能|可以)问(?:你)?(?:些)?什么"
    r"|(?:能|可以)帮(?:我|帮我)?吗|[你您]是(?:机器人|人工|真人)吗|帮助|这是什么)[\s?？!.。！吗呢啊]*$",
    re.IGNORECASE,
)
OFFERING = ("greeting", "about")  # small talk whose reply offers questions
_LEAST = 2


def small_talk(text: str) -> str:
    """Which small talk a message is: "greeting", "thanks", "farewell", "about", or "" for a question."""
    plain = text.strip()
    for name, pattern in (("greeting", _GREETING), ("farewell", _FAREWELL), ("about", _ABOUT)):
        if pattern.match(plain):
            return name
    return "thanks" if plain and _THANKS.match(plain) else ""


def reply(talk: str, language: Language, titles: Iterable[str], questions: Sequence[str]) -> str:
    """The reply to small talk, over a collection with these titles of documents; it offers the questions."""
    topics = _topics(titles, language)
    if language == "zh":
        opening = {
            "greeting": "您好！",
            "thanks": "不客气，很高兴能帮上忙。",
            "farewell": "再见，欢迎随时再来提问。",
            "about": "您好！",
        }[talk]
        if talk not in OFFERING:
            return opening
        holds = (
            f"本知识库的文档包括{'、'.join(f'《{t}》' for t in topics)}等。"
            if topics
            else "本知识库还没有文档。"
        )
        ask = "例如，您可以问：\n" + "\n".join(f"- {q}" for q in questions) if questions else ""
        return f"{opening}我根据知识库里的文档回答您的问题，并注明出处。{holds}{ask}"
    opening = {"greeting": "Hello!", "thanks": "You are welcome. I am glad that this helps.",
               "farewell": "Goodbye. Ask again at any time.", "about": "Hello!"}[talk]  # fmt: skip
    if talk not in OFFERING:
        return opening
    holds = (
        f" The documents here include {_joined(topics)}."
        if topics
        else " The collection holds no documents yet."
    )
    ask = " You can ask, for example:\n" + "\n".join(f"- {q}" for q in questions) if questions else ""
    return (
        f"{opening} I answer your questions from the documents of this collection and cite them.{holds}{ask}"
    )


def _joined(topics: list[str]) -> str:
    quoted = [f"“{topic}”" for topic in topics]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _topics(titles: Iterable[str], language: Language) -> list[str]:
    """Up to four titles in the reader's language, of different documents, none with a year: they age."""
    fitting = [t for t in dict.fromkeys(titles) if _is_of(t, language) and is_readable(t)]
    timeless = [title for title in fitting if not years_in(title)]
    return _spread(timeless if len(timeless) >= _LEAST else fitting, 4)


def is_readable(title: str) -> bool:
    """Whether a title is one for readers, and not the name of a file such as "app-error-codes"."""
    return not re.fullmatch(r"[\w.]+(?:[-_.][\w.]+)+|[a-z]+\d*", title)


def _spread(values: list[str], count: int) -> list[str]:
    """So many of the values, from the whole of the list."""
    step = max(1, len(values) // count)
    return values[::step][:count]


def _is_of(text: str, language: Language) -> bool:
    han = sum("\u3400" <= character <= "\u9fff" for character in text)
    return (han > 0) == (language == "zh") and not text.endswith((".", "。"))
