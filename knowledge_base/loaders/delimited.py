"""CSV and TSV: the delimiter is the one that gives the most regular table."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.tables import sheet_blocks
from knowledge_base.loaders.text import text_blocks
from knowledge_base.values import LoadedFile

_DELIMITERS = (",", ";", "\t", "|", "，", "；")
_CONTROLS = (b"\x01", b"\x02", b"\x1c", b"\x1d", b"\x1e", b"\x1f")
_SAMPLE_ROWS, _SAMPLE_BYTES = 50, 100_000


def load_delimited(data: bytes) -> LoadedFile:
    """Read a table; LoadError if it is not text. A file with no delimiter at all is read as text."""
    text = decode(_with_tabs(data))
    delimiter = _delimiter(text)
    if delimiter is None:
        return collected("", text_blocks(text))
    return collected("", sheet_blocks(_rows(text, delimiter)))


def _with_tabs(data: bytes) -> bytes:
    """The table with tabs where a control character divides the columns, as exports of databases have it."""
    sample = data[:_SAMPLE_BYTES]
    control = max(_CONTROLS, key=sample.count)
    lines = sample.count(b"\n") + 1
    if 0 in sample or b"\t" in sample or sample.count(control) * 2 < lines:
        return data
    return data.replace(control, b"\t")


def _delimiter(text: str) -> str | None:
    """The delimiter whose rows agree best on their number of columns, the most columns where several do."""
    scores = {}
    for delimiter in _DELIMITERS:
        if delimiter in text:
            lengths = Counter(len(row) for row in islice(_rows(text, delimiter), _SAMPLE_ROWS) if row)
            columns, times = max(lengths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
            scores[delimiter] = (times / lengths.total() * (columns > 1), columns)
    best = max(scores, key=lambda delimiter: scores[delimiter], default=None)
    return best if best is not None and scores[best][1] > 1 else None


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True)


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends, one at a time."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin) + 1 or len(text)
        yield text[begin:end]
        begin = end
