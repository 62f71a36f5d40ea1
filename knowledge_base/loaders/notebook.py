"""IPYNB and RST: notebooks and reStructuredText, read by way of HTML as Markdown is."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.markdown import markdown_blocks
from knowledge_base.loaders.text import load_text, text_blocks, unstructured
from knowledge_base.loaders.web import parse_html
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_LONGEST_OUTPUT = 20_000
_MOST_PARSED = 2_000_000  # bytes of reStructuredText, of which docutils parses some 100,000 a second

Json = Mapping[str, Any]


def load_notebook(data: bytes) -> LoadedFile:
    """Read a notebook: its texts, its code and what that printed; LoadError if it is none."""
    try:
        notebook = json.loads(decode(data))
        cells = notebook.get("cells") or [
            cell for sheet in notebook.get("worksheets", []) for cell in sheet["cells"]
        ]
    except (json.JSONDecodeError, AttributeError, TypeError, KeyError) as error:
        raise LoadError("The file is not a notebook.", "Save it again in Jupyter.") from error
    except RecursionError:
        return unstructured(decode(data))
    notes: list[Note] = []
    return collected("", (block for cell in cells for block in _cell(cell, notes)), notes)


def _cell(cell: Json, notes: list[Note]) -> Iterator[Block]:
    source = _joined(cell.get("source", cell.get("input", "")))
    if cell.get("cell_type") == "markdown":
        yield from markdown_blocks(source, notes)
    elif cell.get("cell_type") == "heading":
        yield Block(source, "heading", int(cell.get("level", 1)))
    elif source.strip():
        yield Block(source)
    for output in cell.get("outputs", []):
        yield from _output(output)


def _output(output: Json) -> Iterator[Block]:
    """What a cell printed; of a result the page, which has tables, else its text."""
    kinds: Json = output.get("data") or output
    page = _joined(kinds.get("text/html", kinds.get("html", "")))
    if page and len(page) <= _LONGEST_OUTPUT:
        yield from parse_html(page).blocks
    else:
        yield from text_blocks(_joined(kinds.get("text/plain", kinds.get("text", "")))[:_LONGEST_OUTPUT])


def _joined(lines: object) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines)


def load_restructured_text(data: bytes) -> LoadedFile:
    """Read reStructuredText; files that it names are not opened. A very long one is read as plain text."""
    if len(data) > _MOST_PARSED:
        return load_text(data)
    from docutils.core import publish_parts  # takes a fifth of a second

    settings = {
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "_disable_config": True,
        "report_level": 5,
        "halt_level": 5,
        "embed_stylesheet": False,
        "doctitle_xform": True,
        "initial_header_level": 1,
        "line_length_limit": 1_000_000,
        "math_output": "MathML",
    }
    try:
        parts = publish_parts(decode(data), writer="html5", settings_overrides=settings)
    except RecursionError:
        return unstructured(decode(data))
    loaded = parse_html(parts["html_body"])
    return LoadedFile(
        parts["title"] and parse_html(parts["title"]).blocks[0].text, loaded.blocks, loaded.notes
    )
