"""The rows of a CSV or TSV file as records, with their line numbers; a broken row spoils no other."""

import csv
from collections.abc import Iterator, Sequence
from itertools import islice

from finetune.pairs.fields import field_name
from finetune.pairs.jsonl import Numbered
from knowledge_base.errors import InputError

_DELIMITERS = (",", "\t", ";", "|", "，", "；")
_MOST_BROKEN = 1000
_WANTED = frozenset({"question", "instruction"})


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
            raise InputError(f"More than {_MOST_BROKEN} rows are broken.", "Is this the right file?")


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
        yield begin, begin + 1, InputError(cause, "See whether its quotation marks are closed.")


def _record(header: Sequence[str], row: Sequence[str], line: int) -> dict[str, object] | InputError:
    if any(cell.strip() for cell in row[len(header) :]):
        cause = f"Line {line} has {len(row)} columns, the header {len(header)}."
        return InputError(cause, "Put quotation marks around a cell that holds the delimiter.")
    record: dict[str, object] = {}
    for name, cell in zip(header, row, strict=False):
        if name and not record.get(name):
            record[name] = cell
    return record
