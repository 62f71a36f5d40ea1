"""Files of question–answer pairs and of other tasks, read in the formats that are around."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.files import write_whole
from finetune.pairs.chat import from_alpaca, from_chat
from finetune.pairs.fields import our_fields, pair_of
from finetune.pairs.records import Numbered, is_json, json_values, read_text, table_rows
from finetune.pairs.values import Dropped, Pair, Task
from finetune.reasons import Reason
from knowledge_base.errors import InputError, StorageError
from retrieval.prompt import Message

KNOWN = (
    'JSON Lines with {"question", "answer"}, CSV or TSV with the columns question and answer, '
    'alpaca ("instruction", "output"), sharegpt ("conversations") and OpenAI "messages"'
)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds: pairs, other tasks, and the records that cannot be used, in the file's order."""

    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...]
    dropped: tuple[Dropped, ...]


def read_pairs(path: Path, as_pairs: bool = False) -> Read:
    """Read a file; its format is recognised by its contents, not by its name.

    Ids are those that the records give, else NAME:LINE; one that is there already gets a number behind it.

    Args:
        path: our own JSON Lines, CSV or TSV, alpaca, sharegpt or OpenAI messages, UTF-8, UTF-16 or GB18030.
        as_pairs: makes pairs of conversations that are one question and its answer; else they are tasks.

    Raises:
        InputError: the file cannot be read, is of no known format, or holds nothing that can be used.
    """
    items: list[Pair | Task] = []
    dropped: list[Dropped] = []
    for line, record in _records(path):
        origin = f"{path.name}:{line}"
        try:
            items.append(_item(record, origin, as_pairs))
        except InputError as error:
            dropped.append(_dropped(record, origin, error.cause))
    if not items:
        raise _unusable(path, dropped)
    named = _with_ids(items)
    pairs = tuple(item for item in named if isinstance(item, Pair))
    return Read(pairs, tuple(item for item in named if isinstance(item, Task)), tuple(dropped))


def write_pairs(pairs: Sequence[Pair | Task], path: Path) -> None:
    """Write pairs as our own JSON Lines, tasks as OpenAI messages: the whole file or nothing.

    `read_pairs` reads back what was written. Raises StorageError if it cannot be written.
    """
    lines = [json.dumps(_written(pair), ensure_ascii=False) + "\n" for pair in pairs]
    text = "".join(lines).encode("utf-8", errors="replace").decode()
    try:
        write_whole(path, text)
    except OSError as error:
        cause = f"{path} cannot be written: {error.strerror}."
        raise StorageError(cause, "Free some disk space or choose another place.") from error


def _records(path: Path) -> Iterator[Numbered]:
    text = read_text(path)
    try:
        yield from json_values(text) if is_json(text) else table_rows(text)
    except InputError as error:
        raise InputError(f"{path.name}: {error.cause}", f"{error.remedy} Known formats: {KNOWN}.") from error


def _item(record: object, origin: str, as_pairs: bool) -> Pair | Task:
    if isinstance(record, InputError):
        raise record
    if not isinstance(record, Mapping):
        raise InputError("It is not an object with a question and an answer.", f"Known formats: {KNOWN}.")
    if "messages" in record or "conversations" in record:
        return from_chat(record, origin, as_pairs)
    if "instruction" in record and "output" in record:
        return from_alpaca(record, origin)
    if "question" not in our_fields(record):
        keys = ", ".join(str(key) for key in list(record)[:8]) or "none"
        raise InputError(f"Its fields match no known format: {keys}.", f"Known formats: {KNOWN}.")
    return pair_of(record, origin)


def _dropped(record: object, origin: str, reason: str) -> Dropped:
    """Names the record as far as it can be read."""
    fields = our_fields(record) if isinstance(record, Mapping) else {}
    given, question = fields.get("id"), fields.get("question")
    return Dropped(
        id=given if isinstance(given, str) and given else origin,
        question=question if isinstance(question, str) else "",
        origin=origin,
        reason=Reason("unreadable", {"cause": reason}),
    )


def _unusable(path: Path, dropped: Sequence[Dropped]) -> InputError:
    if not dropped:
        return InputError(f"{path.name} holds no pair.", f"Known formats: {KNOWN}.")
    first = dropped[0]
    line = first.origin.rpartition(":")[2]
    cause = f"None of the {len(dropped)} records of {path.name} can be used. The first, in line {line}:"
    return InputError(f"{cause} {first.reason.figures['cause']}", f"Known formats: {KNOWN}.")


def _with_ids(items: Sequence[Pair | Task]) -> list[Pair | Task]:
    """Each with an id of its own; those that are given come first, so that they stay as they are."""
    given = {item.id for item in items if item.id}
    used: set[str] = set()
    times: dict[str, int] = {}
    named: list[Pair | Task] = []
    for item in items:
        wanted = unique = item.id or item.origin
        while unique in used or (unique in given and unique != item.id):
            times[wanted] = times.get(wanted, 1) + 1
            unique = f"{wanted}#{times[wanted]}"
        used.add(unique)
        named.append(replace(item, id=unique))
    return named


def _written(pair: Pair | Task) -> dict[str, object]:
    if isinstance(pair, Task):
        turns = [*pair.messages, Message("assistant", pair.reply)]
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        return {"id": pair.id, "messages": messages, "split": pair.split, "origin": pair.origin}
    fields: dict[str, object] = {
        "id": pair.id,
        "question": pair.question,
        "answer": pair.answers[0] if pair.answers else "",
        "answers": list(pair.answers),
        "sentence": pair.sentence,
        "evidence": [{"document": place.document, "quote": place.quote} for place in pair.evidence],
        "split": pair.split,
        "origin": pair.origin,
    }
    return fields if pair.answerable else {**fields, "kind": "unanswerable"}
