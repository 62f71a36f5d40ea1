"""One record becomes a pair or a task: by its fields, whatever they are called, or as chat models have it."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from finetune.pairs.values import SENTENCE_ENDS, Evidence, Pair, SplitName, Task
from knowledge_base.errors import InputError
from retrieval.prompt import Message, Role, is_refusal

Fields = Mapping[str, object]

_NAMES = {
    "id": "id no. nr 编号 序号",
    "question": "question questions q query prompt 问题 提问 问 问句",
    "answer": "answer a reply response completion 答案 回答 答 答复 标准答案",
    "answers": "answers accepted_answers 可接受答案 全部答案 其他答案",
    "sentence": "sentence full_answer long_answer 完整回答 整句 句子 答句",
    "document": "document doc file filename path 文档 文件 文档名 文件名",
    "quote": "quote quotation 引文 引用 原文 证据 依据",
    "evidence": "evidence",
    "kind": "kind type 类型 类别",
    "split": "split 划分",
    "origin": "origin",
}
_CALLED = {alias: name for name, aliases in _NAMES.items() for alias in aliases.split()}
_UNANSWERABLE = frozenset({"unanswerable", "noanswer", "无答案", "不可回答", "无法回答"})
_SPLITS: dict[str, SplitName] = {
    "": "", "train": "train", "training": "train", "训练": "train", "test": "test", "heldout": "test",
    "dev": "test", "eval": "test", "validation": "test", "测试": "test", "验证": "test",
}  # fmt: skip
_UNREADABLE = re.compile("[\ufffd\ud800-\udfff]")


def field_name(written: str) -> str:
    """Our name of a column or key as somebody wrote it, "" if it is none of ours."""
    plain = unicodedata.normalize("NFKC", written).strip().strip("\ufeff\"'*").lower()
    return _CALLED.get(re.sub(r"[\s_-]+", "_", plain), "")


def our_fields(record: Fields) -> dict[str, object]:
    """The fields of a record under our names; of two with one name the first that is not empty."""
    fields: dict[str, object] = {}
    for written, value in record.items():
        name = field_name(written)
        if name and fields.get(name) in (None, ""):
            fields[name] = value
    return fields


def pair_of(record: Fields, origin: str) -> Pair:
    """The pair in a record; its id is "" if the record gives none.

    Without an answer the documents do not say only if the record says so: by `"kind": "unanswerable"`, by
    `"answers": []` or by an answer that is the refusal itself.

    Raises:
        InputError: the question or answer is missing or a field is not of its type; the cause says which.
    """
    fields = our_fields(record)
    question = text_field(fields, "question")
    if not question:
        raise InputError("It has no question.", "Write one.")
    return Pair(
        id=text_field(fields, "id"),
        question=question,
        answers=_answers(fields),
        sentence=text_field(fields, "sentence"),
        evidence=_evidence(fields),
        split=_split(fields),
        origin=text_field(fields, "origin") or origin,
    )


def text_field(fields: Fields, name: str) -> str:
    """A field's text, "" if it is absent; InputError if it is no text or could not be decoded."""
    return text_of(fields.get(name), name)


def text_of(value: object, name: str) -> str:
    """A value as text without white space around it; InputError names the field if it is none."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"Its {name} is {_kind_of(value)}, not text.", "Write it as text.")
    if _UNREADABLE.search(value):
        cause = f"Its {name} holds characters that cannot be read, as of another encoding."
        raise InputError(cause, "Save the file as UTF-8.")
    return value.strip()


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a list" if isinstance(value, list) else "an object"


def _answers(fields: Fields) -> tuple[str, ...]:
    listed = _listed(fields.get("answers"))
    first = text_field(fields, "answer")
    answers = tuple(dict.fromkeys(answer for answer in (first, *listed) if answer))
    is_declared = text_field(fields, "kind").lower().replace(" ", "").replace("_", "") in _UNANSWERABLE
    if is_declared and answers and not is_refusal(answers[0]):
        raise InputError("It is marked as unanswerable but has an answer.", "Remove one of the two.")
    if is_declared or (answers and is_refusal(answers[0])):
        return ()
    if not answers and fields.get("answers") != []:
        raise InputError(
            "It has no answer.", 'Write one, or "kind": "unanswerable" if no document answers it.'
        )
    return answers


def _listed(value: object) -> list[str]:
    """Accepted answers: a list, or text with "|" between them."""
    if isinstance(value, str):
        return [part.strip() for part in text_of(value, "answers").split("|")]
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"Its answers are {_kind_of(value)}, not a list.", "Write them as a list of texts.")
    return [text_of(part, "answers") for part in value]


def _evidence(fields: Fields) -> tuple[Evidence, ...]:
    value = fields.get("evidence")
    if value is None or isinstance(value, str):
        quote = text_field(fields, "quote") or text_of(value, "evidence")
        document = text_field(fields, "document")
        return (Evidence(document, quote),) if document or quote else ()
    entries = value if isinstance(value, list) else [value]
    places = [_place(entry) for entry in entries]
    return tuple(dict.fromkeys(place for place in places if place.document or place.quote))


def _place(entry: object) -> Evidence:
    if isinstance(entry, str):
        return Evidence(text_of(entry, "evidence"), "")
    if not isinstance(entry, Mapping):
        cause = f"Its evidence holds {_kind_of(entry)} where a document and a quote belong."
        raise InputError(cause, 'Write it as [{"document": …, "quote": …}].')
    return Evidence(text_field(entry, "document"), text_field(entry, "quote"))


def _split(fields: Fields) -> SplitName:
    written = text_field(fields, "split").lower().replace("-", "").replace("_", "")
    if written not in _SPLITS:
        raise InputError(f"Its split is {written!r}.", 'Write "train", "test" or nothing.')
    return _SPLITS[written]


_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "model": "assistant",
}  # fmt: skip
_ASKED = frozenset({"question", "answer", "answers", "sentence", "kind"})
_ASKED_AND_ANSWERED: tuple[Role, Role] = ("user", "assistant")


def from_alpaca(record: Fields, origin: str) -> Pair | Task:
    """A pair if there is an instruction only, a task if it works on an input or continues a conversation.

    Raises:
        InputError: the instruction or the output is missing or no text.
    """
    instruction, given = text_field(record, "instruction"), text_field(record, "input")
    if not instruction:
        raise InputError("It has no instruction.", "Write one.")
    system, before = text_field(record, "system"), _history(record.get("history"))
    output = text_field(record, "output")
    if not (given or system or before):
        # The fields that alpaca does not know, document among them, keep their meaning.
        return _pair(record, instruction, output, origin)
    asked = f"{instruction}\n\n{given}" if given else instruction
    first = [Message("system", system)] if system else []
    return _task(record, [*first, *before, Message("user", asked), Message("assistant", output)], origin)


def from_chat(record: Fields, origin: str, as_pairs: bool) -> Pair | Task:
    """A task whose reply is the last assistant turn; later turns are left out.

    Args:
        record: has `messages` (role, content) or `conversations` (from, value).
        origin: where the record comes from.
        as_pairs: makes a pair of one question and its answer; what a system turn says is left out then.

    Raises:
        InputError: no user turn with an assistant turn behind it, a turn without text or of another role.
    """
    turns = record["messages"] if "messages" in record else record.get("conversations")
    if not isinstance(turns, list):
        raise InputError("Its turns are not a list.", 'Write them as [{"role": …, "content": …}, …].')
    messages = [_message(turn) for turn in turns]
    while messages and messages[-1].role != "assistant":
        messages.pop()
    system = text_field(record, "system")
    if system and messages and messages[0].role != "system":
        messages.insert(0, Message("system", system))
    said = [message for message in messages if message.role != "system"]
    if as_pairs and [message.role for message in said] == ["user", "assistant"]:
        return _pair(record, said[0].content, said[1].content, origin)
    return _task(record, messages, origin)


def _pair(record: Fields, question: str, answer: str, origin: str) -> Pair:
    """The pair of this question and answer, the rest from the record.

    An answer that is a whole sentence is a reply for the page too.
    """
    rest = {name: value for name, value in record.items() if field_name(name) not in _ASKED}
    sentence = answer if answer.endswith(SENTENCE_ENDS) else ""
    return pair_of({**rest, "question": question, "answer": answer, "sentence": sentence}, origin)


def _task(record: Fields, messages: Sequence[Message], origin: str) -> Task:
    if not messages or not any(message.role == "user" for message in messages[:-1]):
        raise InputError("It has no reply of the assistant to a user.", "Write both turns.")
    if not all(message.content for message in messages):
        raise InputError("One of its turns is empty.", "Write its text.")
    named = _pair(record, "-", "-", origin)
    return Task(named.id, tuple(messages[:-1]), messages[-1].content, named.split, named.origin)


def _message(turn: object) -> Message:
    if not isinstance(turn, Mapping):
        raise InputError("One of its turns is not an object.", 'Write it as {"role": …, "content": …}.')
    written = text_of(turn.get("role", turn.get("from")), "role").lower()
    if written not in _ROLES:
        known = ", ".join(sorted(_ROLES))
        raise InputError(f"One of its turns has the role {written!r}.", f"Known roles: {known}.")
    return Message(_ROLES[written], _content(turn.get("content", turn.get("value"))))


def _content(value: object) -> str:
    """Text, or the texts of a list of parts; InputError for an image or a call of a tool."""
    if not isinstance(value, list):
        return text_of(value, "content")
    texts = []
    for part in value:
        if not isinstance(part, Mapping) or part.get("type") != "text":
            raise InputError("One of its turns contains something other than text.", "Leave it out.")
        texts.append(text_of(part.get("text"), "content"))
    return "\n".join(texts)


def _history(value: object) -> list[Message]:
    """Earlier turns of an alpaca record: a list of [question, answer]."""
    if value in (None, "", []):
        return []
    messages = []
    for turn in value if isinstance(value, list) else [value]:
        if not isinstance(turn, list) or len(turn) != len(_ASKED_AND_ANSWERED):
            raise InputError(
                "Its history is not a list of questions and answers.", 'Write it as [["…", "…"], …].'
            )
        texts = [text_of(text, "history") for text in turn]
        messages += [Message(role, text) for role, text in zip(_ASKED_AND_ANSWERED, texts, strict=True)]
    return messages
