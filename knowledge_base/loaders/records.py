"""JSON and JSON lines: objects become rows that name their fields, long texts become paragraphs."""

import json
from collections.abc import Iterator, Mapping, Sequence

from knowledge_base.characters import has_chinese
from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected, limited, spend
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.text import text_blocks, unstructured
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_TITLES = ("title", "name", "subject", "headline", "标题", "名称", "题目", "主题")
_LONG = 400  # characters from which a field is a text of its own
_DEEPEST_HEADING = 6

# Numbers stay as they are written: 3.350 is not 3.35, and amounts may be longer than a float holds.
Scalar = str | bool | None


def load_json(data: bytes) -> LoadedFile:
    """Read one JSON value, or one on each line; LoadError if it is neither."""
    text = decode(data)
    try:
        value = _parsed(text)
    except json.JSONDecodeError as error:
        if _is_value(text.strip().partition("\n")[0]):
            return load_json_lines(data)
        raise _damaged(error, error.lineno) from error
    except RecursionError:
        return unstructured(text)
    title = _title(value) if isinstance(value, Mapping) else ""
    return collected(title, value_blocks(value, 1))


def load_json_lines(data: bytes) -> LoadedFile:
    """Read one JSON value per line; LoadError names the first line if none can be read.

    Lines that hold none among others that do are left out and noted, as one bad line loses no file.
    """
    notes: list[Note] = []
    return collected("", _line_blocks(decode(data).split("\n"), notes), notes)


def _line_blocks(lines: list[str], notes: list[Note]) -> Iterator[Block]:
    first: tuple[json.JSONDecodeError, int] | None = None
    found = False
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = _parsed(line)
        except json.JSONDecodeError as error:
            first = first or (error, number)
            notes.append(Note("part_damaged", name=f"line {number}"))
            continue
        except RecursionError:
            notes.append(Note("nesting_flattened"))
            value = line
        found = True
        yield from value_blocks(value, 1)
    if first is not None and not found:
        raise _damaged(*first)


def _is_value(line: str) -> bool:
    try:
        _parsed(line)
    except json.JSONDecodeError:
        return False
    return True


def _parsed(text: str) -> object:
    return json.loads(text.lstrip("\ufeff"), parse_float=str, parse_int=str)


def _damaged(error: json.JSONDecodeError, line: int) -> LoadError:
    return LoadError(f"Line {line} is not JSON: {error.msg}.", "Fix that line.")


def value_blocks(value: object, level: int) -> Iterator[Block]:
    """Blocks of a value as JSON has them: objects, lists and texts; `level` is that of its headings."""
    if isinstance(value, Mapping):
        yield from _of_object(value, level)
    elif isinstance(value, list):
        for item in value:
            yield from value_blocks(item, level)
    elif shown := _shown(value):
        yield from text_blocks(shown)


def _of_object(fields: Mapping[str, object], level: int) -> Iterator[Block]:
    """A row of the short fields; long texts and lists of objects follow under headings."""
    flat = _flat(fields)
    short = {name: text for name, text in flat.items() if not _is_long(text)}
    long = {name: text for name, text in flat.items() if _is_long(text)}
    nested = {name: value for name, value in fields.items() if _is_table(value)}
    level = min(level, _DEEPEST_HEADING)
    title = _title(fields)
    if long and title:
        yield Block(title, "heading", level)
        level = min(level + 1, _DEEPEST_HEADING)
    if short:
        yield _row(short)
    for name, text in long.items():
        if len(long) > 1:
            yield Block(name, "heading", level)
        yield from text_blocks(text)
    for name, value in nested.items():
        yield Block(name, "heading", level)
        yield from value_blocks(value, level + 1)


def _flat(fields: Mapping[str, object], above: str = "") -> dict[str, str]:
    """Fields as text; those of objects inside by their path, lists of plain values joined."""
    flat: dict[str, str] = {}
    for name, value in fields.items():
        spend(max(len(above) - _LONG, 0))  # every field repeats its path
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{above}{name}."))
        elif isinstance(value, list) and not _is_table(value):
            flat[above + name] = _joined([_shown(item) for item in value])
        elif not isinstance(value, list):
            flat[above + name] = _shown(value)
    return {name: text for name, text in flat.items() if text.strip()}


def _joined(items: Sequence[str]) -> str:
    filled = [item for item in items if item]
    return ("、" if has_chinese("".join(filled)) else ", ").join(filled)


def _is_table(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value)


def _is_long(text: str) -> bool:
    return len(text) > _LONG or "\n" in text.strip()


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value is not None else ""


def _title(fields: Mapping[str, object]) -> str:
    names = {name.lower(): name for name in fields}
    found = (fields[names[title]] for title in _TITLES if title in names)
    return next((on_one_line(value) for value in found if isinstance(value, str) and value.strip()), "")


def _row(fields: Mapping[str, str]) -> Block:
    wide = has_chinese("".join(fields))
    colon, semicolon = ("：", "；") if wide else (": ", "; ")
    cells = (f"{name}{colon}{on_one_line(text)}" for name, text in fields.items())
    return Block(semicolon.join(limited(cells)), "row")
