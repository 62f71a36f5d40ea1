"""One reader over a folder of files: text, tables and seconds of each as a JSON line.

usage: PYTHON benchmarks/document_pages/reading.py READER FOLDER

PYTHON is the interpreter of an environment in which the reader is installed; only domainqa needs ours.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

Grid = list[list[str]]
Read = tuple[str, list[Grid]]


def domainqa() -> Callable[[Path], Read]:
    """Our loaders; rows name their columns, so that there are no grids."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from knowledge_base.loaders import load  # noqa: PLC0415 - each reader imports its own library

    return lambda path: ("\n".join(block.text for block in load(path).blocks), [])


def markitdown() -> Callable[[Path], Read]:
    """Microsoft's converter to Markdown; its tables are found in the text."""
    from markitdown import MarkItDown  # noqa: PLC0415

    converter = MarkItDown()
    return lambda path: (converter.convert(str(path)).text_content, [])


def kreuzberg() -> Callable[[Path], Read]:
    """kreuzberg with its defaults."""
    from kreuzberg import extract_file_sync  # noqa: PLC0415

    def read(path: Path) -> Read:
        found = extract_file_sync(str(path))
        return found.content, [table.cells for table in found.tables]

    return read


def pdfplumber() -> Callable[[Path], Read]:
    """pdfplumber: the text and the tables of each page."""
    import pdfplumber as library  # noqa: PLC0415

    def read(path: Path) -> Read:
        with library.open(path) as document:
            texts = [page.extract_text() for page in document.pages]
            tables = [table for page in document.pages for table in page.extract_tables()]
        return "\n".join(texts), [[[cell or "" for cell in row] for row in table] for table in tables]

    return read


def docling_parse() -> Callable[[Path], Read]:
    """docling-parse: the lines of each page; tables are the work of docling's models."""
    from docling_core.types.doc.page import TextCellUnit  # noqa: PLC0415
    from docling_parse.pdf_parser import DoclingPdfParser  # noqa: PLC0415

    parser = DoclingPdfParser()

    def read(path: Path) -> Read:
        pages = [page for _, page in parser.load(str(path)).iterate_pages()]
        return "\n".join(cell.text for page in pages for cell in page.iterate_cells(TextCellUnit.LINE)), []

    return read


READERS = {
    "domainqa": domainqa,
    "markitdown": markitdown,
    "kreuzberg": kreuzberg,
    "pdfplumber": pdfplumber,
    "docling-parse": docling_parse,
}


def main(reader: str, folder: Path) -> None:
    """Print what the reader finds in each file; a file that it does not read has no text."""
    read = READERS[reader]()
    files = sorted(folder.iterdir())
    for path in files[:1]:
        _found(read, path)  # imports and models are not what is timed
    for path in files:
        print(json.dumps({"file": path.name, **_found(read, path)}), flush=True)


def _found(read: Callable[[Path], Read], path: Path) -> dict[str, object]:
    began = time.perf_counter()
    try:
        text, tables = read(path)
        error = ""
    except Exception as raised:  # noqa: BLE001 - what a reader does not read counts as nothing
        text, tables, error = "", [], f"{type(raised).__name__}: {raised}"[:200]
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"text": text, "tables": tables, "error": error, "seconds": seconds, "megabytes": memory}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
