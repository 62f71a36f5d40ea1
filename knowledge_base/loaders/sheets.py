"""XLSX: every visible sheet as a table, with values as the program shows them."""

import io
import re
from collections.abc import Iterator
from datetime import datetime, time
from posixpath import join, normpath
from zipfile import ZipFile

import openpyxl
from lxml import etree
from openpyxl.utils import range_boundaries

from knowledge_base.loaders.archive import open_archive
from knowledge_base.loaders.tables import sheet_blocks
from knowledge_base.values import Block, LoadedFile

_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]+\d+:[A-Z]+\d+)\"")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DECIMALS = re.compile(r"0\.(0+)")
_QUOTED = re.compile(r"\"[^\"]*\"|\[[^\]]*\]|\\.")
_MOST_MERGED_CELLS = 100_000

Merge = tuple[int, int, int, int]  # first column, first row, last column, last row; from 1


def load_sheets(data: bytes) -> LoadedFile:
    """Read a workbook; LoadError if it is damaged, protected or a zip bomb. Hidden sheets are left out."""
    with open_archive(data) as archive:
        merged = _merged(archive)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    blocks: list[Block] = []
    for number, sheet in enumerate(book.worksheets, start=1):
        if sheet.sheet_state == "visible":
            sheet.reset_dimensions()  # what files say of their size is often wrong
            rows = [[_shown(cell.value, cell.number_format) for cell in row] for row in sheet.iter_rows()]
            _spread(rows, merged.get(sheet.title, []))
            found = sheet_blocks(rows, page=number)
            blocks += [Block(sheet.title, "heading", 1, number), *found] if found else []
    title = book.properties.title or ""
    book.close()
    return LoadedFile(title, tuple(blocks))


def _spread(rows: list[list[str]], merges: list[Merge]) -> None:
    """Write the text of each merged cell to all its places."""
    for left, top, right, bottom in merges:
        covered = rows[top - 1 : bottom]
        if not covered or len(covered) * (right - left + 1) > _MOST_MERGED_CELLS:
            continue
        text = covered[0][left - 1] if left <= len(covered[0]) else ""
        for row in covered:
            row.extend([""] * (right - len(row)))
            row[left - 1 : right] = [text] * (right - left + 1)


def _merged(archive: ZipFile) -> dict[str, list[Merge]]:
    """Merged cells by sheet name; read here, as openpyxl's fast mode does not tell them."""
    names = set(archive.namelist())
    return {
        title: [_bounds(found.decode()) for found in _MERGED.findall(archive.read(part))]
        for title, part in _sheet_parts(archive)
        if part in names
    }


def _bounds(reference: str) -> Merge:
    left, top, right, bottom = range_boundaries(reference)
    return int(left or 1), int(top or 1), int(right or 1), int(bottom or 1)


def _sheet_parts(archive: ZipFile) -> Iterator[tuple[str, str]]:
    """Sheet names and the archive's parts that hold them."""
    relations = _xml(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for sheet in _xml(archive.read("xl/workbook.xml")).iterfind(".//{*}sheets/{*}sheet"):
        target = targets.get(sheet.get(_RELATION), "")
        yield sheet.get("name", ""), normpath(join("/xl", target)).lstrip("/")


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def _shown(value: object, number_format: str | None) -> str:
    """A cell's value as its format shows it: rates in percent, amounts grouped, dates as YYYY-MM-DD."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, _QUOTED.sub("", number_format or ""))
    if isinstance(value, datetime):
        at_midnight = value.time() == time()
        return value.date().isoformat() if at_midnight else value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, bool):
        return str(value).upper()
    return "" if value is None else str(value)


def _number(value: float, shape: str) -> str:
    found = _DECIMALS.search(shape)
    decimals = len(found.group(1)) if found else 0
    if "%" in shape:
        return f"{value * 100:.{decimals}f}%"
    if "#,##" in shape:
        return f"{value:,.{decimals}f}"
    if found:
        return f"{value:.{decimals}f}"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
