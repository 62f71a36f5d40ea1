"""Reads the text of built samples, independently of the product's loaders, to check the pairs' quotes."""

import csv
import email
import email.policy
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import docx
import openpyxl
import pptx
import pypdfium2
from lxml import etree, html

TEXT_ENCODINGS = ("utf-8", "utf-16", "gb18030")


def text_of(file: Path) -> str:
    """Return the text of one document, one cell or paragraph a line. KeyError: unknown format."""
    return EXTRACTORS[file.suffix](file.read_bytes())


def decoded(content: bytes) -> str:
    """Return text in the first of the sample bank's three encodings that fits."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    for encoding in TEXT_ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError(f"none of {TEXT_ENCODINGS} fits")


def _pdf(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in pages)


def _docx(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([paragraph.text for paragraph in document.paragraphs] + cells)


def _pptx(content: bytes) -> str:
    shapes = [shape for slide in pptx.Presentation(io.BytesIO(content)).slides for shape in slide.shapes]
    tables = [shape.table for shape in shapes if shape.has_table]
    cells = [cell.text for table in tables for row in table.rows for cell in row.cells]
    return "\n".join([shape.text_frame.text for shape in shapes if shape.has_text_frame] + cells)


def _xlsx(content: bytes) -> str:
    sheets = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets
    return _lines(str(cell) for sheet in sheets for row in sheet.values for cell in row if cell is not None)


def _csv(content: bytes) -> str:
    return _lines(cell for row in csv.reader(io.StringIO(decoded(content))) for cell in row)


def _html(content: bytes) -> str:
    parser = html.HTMLParser(encoding="utf-8")
    return _lines(html.fromstring(decoded(content).encode(), parser=parser).itertext())


def _epub(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        chapters = [name for name in book.namelist() if name.endswith(".xhtml")]
        return _lines(text for name in chapters for text in etree.fromstring(book.read(name)).itertext())


def _eml(content: bytes) -> str:
    message = email.message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(("plain",))
    return f"{message['subject']}\n{'' if body is None else body.get_content()}"


def _json(content: bytes) -> str:
    return _lines(_strings(json.loads(content)))


def _jsonl(content: bytes) -> str:
    return _lines(text for line in decoded(content).splitlines() for text in _strings(json.loads(line)))


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [str(value)]


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


EXTRACTORS: dict[str, Callable[[bytes], str]] = {
    ".pdf": _pdf, ".docx": _docx, ".pptx": _pptx, ".xlsx": _xlsx, ".csv": _csv, ".html": _html,
    ".epub": _epub, ".eml": _eml, ".json": _json, ".jsonl": _jsonl, ".md": decoded, ".txt": decoded,
}  # fmt: skip
