"""Files of question–answer pairs and of other tasks, read in the formats that are around.

Any encoding, JSON in three forms, CSV and TSV. A record that cannot be read becomes an InputError in its
place and spoils no other.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from finetune.files import write_whole
from finetune.pairs.fields import field_name, from_alpaca, from_chat, our_fields, pair_of
from finetune.pairs.values import Dropped, Pair, Task
from finetune.reasons import Reason
from knowledge_base.errors import InputError, LoadError, StorageError
from knowledge_base.loaders.encoding import decode
from retrieval.prompt import Message

KNOWN = (
    'JSON Lines with {"question", "answer"}, CSV or TSV with the columns question and answer, '
    'alpaca ("instruction", "output"), sharegpt ("conversations") and OpenAI "messages"'
)

Numbered = tuple[int, object]
MAX_BYTES = 256_000_000
_BEYOND_TWO_BYTES = 0x800
_MOSTLY = 0.5
_SPACE = re.compile(r"[ \t\n\r\ufeff]*")
_DELIMITERS = (",", "\t", ";", "|", "，", "；")
_MOST_BROKEN = 1000
_WANTED = frozenset({"question", "instruction"})


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


def read_text(path: Path) -> str:
    r"""The text of a file with "\n" for newlines; what cannot be read is U+FFFD.

    Where some lines are UTF-8 and others are not, as happens when files are put together, each line is
    decoded by itself.

    Raises:
        InputError: there is no such file, it cannot be opened, is empty, larger than MAX_BYTES or not text.
    """
    data = _read(path)
    try:
        text = (_line_by_line(data) if _is_mixed(data) else decode(data)).removeprefix("\ufeff")
    except LoadError as error:
        raise InputError(f"{path.name} is not text: {error.cause}", error.remedy) from error
    if not text.strip():
        raise InputError(f"{path.name} is empty.", "Give a file with at least one question and its answer.")
    return text


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(
            f"There is no file {path}.", "Check the path; name the files of a folder one by one."
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.", "Check its permissions.") from error
    if len(data) > MAX_BYTES:
        megabytes = MAX_BYTES // 1_000_000
        raise InputError(f"{path.name} is larger than {megabytes} MB.", "Split it into several files.")
    return data


def _is_mixed(data: bytes) -> bool:
    """Whether some lines are UTF-8 and others cannot be: not by the chance by which GB18030 looks like it."""
    if 0 in data or _utf8(data) is not None:
        return False
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    texts = [text for line in lines if (text := _utf8(line)) is not None]
    by_chance = not any(ord(character) >= _BEYOND_TWO_BYTES for text in texts for character in text)
    return len(lines) > 1 and bool(texts) and (not by_chance or len(texts) > _MOSTLY * len(lines))


def _line_by_line(data: bytes) -> str:
    lines = []
    for line in data.split(b"\n"):
        text = _utf8(line)
        lines.append(_other(line) if text is None else text)
    return "\n".join(line.removesuffix("\r") for line in lines)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _other(line: bytes) -> str:
    try:
        return decode(line)
    except LoadError:
        return line.decode(errors="replace")


def is_json(text: str) -> bool:
    """Whether a text is meant as JSON: it, or most of its lines, begin with a bracket or brace."""
    lines = [line for line in text[:100_000].split("\n") if line.strip()]
    starts = [line.lstrip(" \t\r\ufeff")[:1] in ("{", "[") for line in lines]
    return bool(starts) and (starts[0] or sum(starts) > len(starts) / 2)


def json_values(text: str) -> Iterator[Numbered]:
    """Each value with the line where it begins; an InputError in place of one that is no JSON.

    Numbers stay as they are written: 3.350 is not 3.35.

    Raises:
        InputError: the file is one array and is broken; the cause names the line.
    """
    start = _after_space(text, 0)
    if text.startswith("[", start):
        yield from _of_array(text, start)
    elif (whole := _parsed(text)) is not None:
        yield _line_at(text, start), whole
    else:
        yield from _of_lines(text)


def _of_lines(text: str) -> Iterator[Numbered]:
    # Not by splitlines(): JSON may hold U+2028 and the like inside its strings.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip(" \t\r\ufeff"):
            value = _parsed(line)
            yield number, _broken(line, number) if value is None else value


def _of_array(text: str, start: int) -> Iterator[Numbered]:
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    at = _after_space(text, start + 1)
    line, counted = _line_at(text, at), at
    while not text.startswith("]", at):
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise _damaged(error.lineno, error.msg) from error
        except RecursionError as error:
            raise _damaged(line, "too many brackets inside each other") from error
        yield line, value
        at = _after_space(text, end)
        if text.startswith(",", at):
            at = _after_space(text, at + 1)
        elif not text.startswith("]", at):
            raise _damaged(_line_at(text, at), "a comma or the closing bracket is missing")
        line, counted = line + text.count("\n", counted, at), at
    behind = _after_space(text, at + 1)
    if behind < len(text):
        raise _damaged(_line_at(text, behind), "there is text after the array")


def _parsed(text: str) -> object | None:
    """The value of a text, None if it is no JSON (or null, which is of no use either)."""
    try:
        value: object = json.loads(
            text.strip(" \t\n\r\ufeff"), parse_float=str, parse_int=str, parse_constant=str
        )
    except (json.JSONDecodeError, RecursionError):
        return None
    return value


def _broken(line: str, number: int) -> InputError:
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return _damaged(number, error.msg)
    except (RecursionError, ValueError):
        return _damaged(number, "it cannot be read")
    return _damaged(number, "null is no pair")


def _damaged(line: int, why: str) -> InputError:
    return InputError(f"Line {line} is not JSON: {why}.", "Correct that line.")


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _line_at(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def table_rows(text: str) -> Iterator[Numbered]:
    """Each row as its fields by column, with the line where it begins; an InputError for a broken row.

    The delimiter is the one that makes the first row a header with a question in it. A quotation mark that
    is never closed spoils its own line only.

    Raises:
        InputError: no column holds questions, or more than 1000 rows are broken.
    """
    lines = text.split("\n")
    first = next(number for number, line in enumerate(lines) if line.strip())
    delimiter, header = _header(lines[first])
    at, broken = first + 1, 0
    while at < len(lines):
        for begin, end, row in _rows(lines, at, delimiter):
            if isinstance(row, InputError):
                broken += 1
                yield begin + 1, row
            elif any(cell.strip() for cell in row):
                yield begin + 1, _record(header, row, begin + 1)
            at = end
        if broken > _MOST_BROKEN:
            raise InputError(
                f"More than {_MOST_BROKEN} rows are broken.", "Check that this is the right file."
            )


def _header(line: str) -> tuple[str, list[str]]:
    for delimiter in _DELIMITERS:
        names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
        plain = [field_name(name) or name.strip().lower() for name in names]
        if _WANTED & set(plain):
            return delimiter, plain
    shown = line.strip()[:80]
    raise InputError(
        f"No column of the first line is called question: {shown!r}.",
        "Name the columns: question, answer and, if wanted, sentence, document, quote.",
    )


def _rows(
    lines: Sequence[str], start: int, delimiter: str
) -> Iterator[tuple[int, int, list[str] | InputError]]:
    """Rows from line `start` on (first line, line behind, cells), up to and with the first broken one."""
    numbered = (f"{line}\n" for line in islice(lines, start, None))
    reader = csv.reader(numbered, delimiter=delimiter, skipinitialspace=True, strict=True)
    begin = start
    try:
        for row in reader:
            end = start + reader.line_num
            yield begin, end, row
            begin = end
    except csv.Error as error:
        cause = f"Line {begin + 1} is broken: {error}."
        yield begin, begin + 1, InputError(cause, "Check that its quotation marks are closed.")


def _record(header: Sequence[str], row: Sequence[str], line: int) -> dict[str, object] | InputError:
    if any(cell.strip() for cell in row[len(header) :]):
        cause = f"Line {line} has {len(row)} columns, the header {len(header)}."
        return InputError(cause, "Put quotation marks around cells that contain the delimiter.")
    record: dict[str, object] = {}
    for name, cell in zip(header, row, strict=False):
        if name and not record.get(name):
            record[name] = cell
    return record
