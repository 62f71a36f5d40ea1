"""Records made for chat models: alpaca, sharegpt and OpenAI messages, as tasks or as pairs."""

from collections.abc import Mapping, Sequence

from finetune.pairs.fields import Fields, field_name, pair_of, text_field, text_of
from finetune.pairs.values import Pair, Task
from knowledge_base.errors import InputError
from retrieval.prompt import Message, Role

_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "model": "assistant",
}  # fmt: skip
_ASKED = frozenset({"question", "answer", "answers", "sentence", "kind"})
_ASKED_AND_ANSWERED: tuple[Role, Role] = ("user", "assistant")
_SENTENCE_ENDS = (".", "!", "?", "。", "！", "？", "…")


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
    """A task whose reply is the last assistant turn; what stands behind it is left out.

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
    sentence = answer if answer.endswith(_SENTENCE_ENDS) else ""
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
