"""The values in a JSON file, be it one array, one object or an object a line, with their line numbers."""

import json
import re
from collections.abc import Iterator

from knowledge_base.errors import InputError

Numbered = tuple[int, object]

_SPACE = re.compile(r"[ \t\n\r\ufeff]*")


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
        raise _damaged(_line_at(text, behind), "something stands behind the array")


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
    return InputError(f"Line {line} is not JSON: {why}.", "Mend that line.")


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _line_at(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
