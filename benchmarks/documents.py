"""Text and tables that we read from documents, beside other readers, in one run.

usage: python benchmarks/documents.py [--peers PYTHON] [--readers NAME …] [--kinds NAME …] [--show]
       [--json FILE]

The files are made by benchmarks/document_pages with their true text. Characters are right as far as the edit
distance to the true text says, blanks and Markdown's signs left out. A cell is right if its value stands with
the names of its row and its column: in a table of the reader's or of its Markdown, as "column: value" on a
line with the row's name, or in a line of as many words as the table's first line has names. Speed is that of
a report of 40 pages, the faster of two readings.
The peers (markitdown[pdf], kreuzberg, pdfplumber, docling-parse) run in the environment of PYTHON:
python -m venv peers && peers/bin/pip install 'markitdown[all]' kreuzberg pdfplumber docling-parse
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import mean, median

from rapidfuzz.distance import Levenshtein

from benchmarks.document_pages import Cell, Page, all_pages, long_report
from benchmarks.document_pages.reading import READERS, Grid
from benchmarks.measuring import Row, save, show

_MARKDOWN = re.compile(r"^\s*(?:#+|[-*+•>]|\|?[\s|:-]+\|?$)\s*|[*_`|]", re.MULTILINE)
_BLANKS = re.compile(r"\s+")
_TABLE_LINE = re.compile(r"^\s*\|.*\|\s*$")
_READING = Path(__file__).parent / "document_pages" / "reading.py"

Found = Mapping[str, Mapping[str, object]]


def characters_right(found: str, true: str) -> float:
    """1 − normalised edit distance, blanks and signs of Markdown aside."""
    return Levenshtein.normalized_similarity(_plain(found), _plain(true))


def cells_right(text: str, tables: Sequence[Grid], cells: Sequence[Cell]) -> float:
    """The share of cells whose value stands with the names of its row and its column."""
    grids = [*tables, *_markdown_tables(text), *_line_tables(text)]
    lines = text.splitlines()
    return mean(_is_in_line(cell, lines) or any(_is_in_grid(cell, grid) for grid in grids) for cell in cells)


def _plain(text: str) -> str:
    return _BLANKS.sub("", _MARKDOWN.sub("", text))


def _is_in_line(cell: Cell, lines: Iterable[str]) -> bool:
    name = re.escape(cell.column or cell.row)
    between = r"\s*[:：]?\s*" if not cell.column else r"\s*[:：]\s*"
    pair = re.compile(rf"(?:^|[\s;；/|]){name}{between}{re.escape(cell.value)}(?:$|[\s;；|])")
    return any(cell.row in line and pair.search(line) for line in lines)


def _is_in_grid(cell: Cell, grid: Grid) -> bool:
    """Whether a row with the cell's name has its value below the nearest such column name above."""
    header: Sequence[str] = ()
    for row in grid:
        texts = [_BLANKS.sub(" ", text).strip() for text in row]
        if not cell.column:
            if any(pair == (cell.row, cell.value) for pair in zip(texts, texts[1:], strict=False)):
                return True
        elif cell.column in texts:
            header = texts
        if header and cell.row in texts and texts[header.index(cell.column) :][:1] == [cell.value]:
            return len(texts) == len(header)
    return False


def _markdown_tables(text: str) -> Iterator[Grid]:
    for is_table, lines in groupby(text.splitlines(), key=lambda line: bool(_TABLE_LINE.match(line))):
        if is_table:
            yield [line.strip().strip("|").split("|") for line in lines]


def _line_tables(text: str) -> Iterator[Grid]:
    """Lines as rows: divided at wide gaps, and at every blank."""
    lines = text.splitlines()
    yield [re.split(r"\s{2,}|\t", line.strip()) for line in lines]
    yield [line.split() for line in lines]


def read_all(reader: str, python: str, folder: Path) -> Found:
    """What a reader finds in each file of a folder, in a process of its own."""
    done = subprocess.run(
        [python, str(_READING), reader, str(folder)], check=True, stdout=subprocess.PIPE, text=True
    )
    found = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    return {entry["file"]: entry for entry in found}


def scores(pages: Sequence[Page], found: Found, show_text: bool) -> dict[str, list[float]]:
    """The scores of each kind of page, one for its text and one for its cells."""
    by_kind: dict[str, list[float]] = {}
    for number, page in enumerate(pages):
        entry = found.get(_file(number, page), {})
        text, tables = str(entry.get("text", "")), entry.get("tables", [])
        if show_text:
            print(f"--- {page.name}: {entry.get('error')}\n{text}")
        if page.text:
            by_kind.setdefault(page.kind, []).append(characters_right(text, page.text))
        if page.cells:
            by_kind.setdefault(page.kind, []).append(cells_right(text, tables, page.cells))  # type: ignore[arg-type]
    return by_kind


def _file(number: int, page: Page) -> str:
    return f"{number:03}.{page.suffix}"


def speeds(readers: Sequence[str], peers: str) -> list[Row]:
    """Milliseconds a page and memory of each reader on a long report."""
    data, pages = long_report()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2):
            (Path(folder) / f"{number}.pdf").write_bytes(data)
        for reader in readers:
            found = read_all(reader, _python(reader, peers), Path(folder)).values()
            each = min(float(str(entry["seconds"])) for entry in found) / pages * 1000
            first = float(str(rows[0]["ms a page"])) if rows else each
            memory = max(float(str(entry["megabytes"])) for entry in found)
            rows.append(
                {"reader": reader, "ms a page": each, "times ours": each / first, "peak MB": round(memory)}
            )
    return rows


def _python(reader: str, peers: str) -> str:
    return sys.executable if reader == "domainqa" else peers


def main() -> None:
    """Read all pages with all readers and print the shares that each has right."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", default=sys.executable, help="interpreter of the peers' environment")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--kinds", nargs="+", help="only pages of these kinds")
    parser.add_argument("--show", action="store_true", help="print what is read")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    pages = [page for page in all_pages() if not args.kinds or page.kind in args.kinds]
    results: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, page in enumerate(pages):
            (Path(folder) / _file(number, page)).write_bytes(page.data)
        for reader in args.readers:
            found = read_all(reader, _python(reader, args.peers), Path(folder))
            results[reader] = scores(pages, found, args.show)
    kinds = dict.fromkeys(page.kind for page in pages)
    rows: list[Row] = [
        {"kind": kind, **{reader: mean(found[kind]) for reader, found in results.items()}} for kind in kinds
    ]
    means = {reader: mean(mean(kind) for kind in found.values()) for reader, found in results.items()}
    medians = {reader: median(mean(kind) for kind in found.values()) for reader, found in results.items()}
    rows += [
        {"kind": f"mean of {len(kinds)} kinds, {len(pages)} files", **means},
        {"kind": "median", **medians},
    ]
    show("Documents: shares of characters or cells right", rows)
    times = speeds(args.readers, args.peers)
    show("Speed on a report of 40 pages", times)
    save(args.json, "documents", {"documents": rows, "speed": times})


if __name__ == "__main__":
    main()
