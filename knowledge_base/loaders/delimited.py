"""CSV and TSV: the delimiter is the one that gives the most regular table."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.tables import sheet_blocks
from knowledge_base.loaders.text import text_blocks
from knowledge_base.values import LoadedFile

_DELIMITERS = (",", ";", "\t", "|", "，", "；")
_SAMPLE_ROWS = 50


def load_delimited(data: bytes) -> LoadedFile:
    """Read a table; LoadError if it is not text. A file with no delimiter at all is read as text."""
    text = decode(data)
    delimiter = _delimiter(text)
    if delimiter is None:
        return LoadedFile("", tuple(text_blocks(text)))
    return LoadedFile("", tuple(sheet_blocks(list(_rows(text, delimiter)))))


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
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
