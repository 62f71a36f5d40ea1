"""Word, PowerPoint and Excel documents, packed so that the same source gives the same bytes."""

import io
import re
import zipfile
from datetime import datetime
from typing import IO, Protocol

import docx
import openpyxl
import pptx
from docx.document import Document
from docx.oxml.ns import qn
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from pptx.presentation import Presentation
from pptx.slide import Slide
from pptx.text.text import TextFrame
from pptx.util import Emu, Pt

from sample_builder.source import Block, Source, SourceError

MADE = datetime(2026, 1, 5, 9, 0, 0)
ZIP_TIME = (2026, 1, 5, 9, 0, 0)
STAMPS = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(</dcterms:)")
SHEET_NAME_LENGTH = 31


class _Savable(Protocol):
    def save(self, file: IO[bytes], /) -> None: ...


def build_docx(source: Source) -> bytes:
    """Return the source as a Word document with real heading, list and table styles."""
    document = docx.Document()
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", docx.shared.Pt(11)
    normal.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "SimSun")
    for number, page in enumerate(source.pages):
        if number:
            document.add_page_break()  # type: ignore[no-untyped-call]
        for block in page:
            _add_to_docx(document, block)
    return _saved(document, source.title)


def _add_to_docx(document: Document, block: Block) -> None:
    if block.kind == "heading":
        document.add_heading(block.text, block.level)
    elif block.kind == "table":
        table = document.add_table(len(block.rows), len(block.rows[0]), style="Light Grid Accent 1")
        for row, texts in zip(table.rows, block.rows, strict=True):
            for cell, text in zip(row.cells, texts, strict=True):
                cell.text = text
        document.add_paragraph()
    elif block.kind == "number":
        document.add_paragraph(f"{block.level}. {block.text}", style="List")
    else:
        styles = {"bullet": "List Bullet", "quote": "Intense Quote"}
        document.add_paragraph(block.text, style=styles.get(block.kind, "Normal"))


def build_pptx(source: Source) -> bytes:
    """Return the source as slides: one per page, its first heading the title."""
    deck = pptx.Presentation()
    for number, page in enumerate(source.pages):
        title = next((block.text for block in page if block.kind == "heading"), source.title)
        texts = [block for block in page if block.kind != "table" and block.text != title]
        tables = [block for block in page if block.kind == "table"]
        slide = deck.slides.add_slide(deck.slide_layouts[0 if number == 0 else 5 if tables else 1])
        slide.shapes.title.text = title
        if tables:
            _add_slide_tables(slide, tables, texts)
        else:
            _fill_frame(slide.placeholders[1].text_frame, texts)
    return _saved(deck, source.title)


def _fill_frame(frame: TextFrame, texts: list[Block]) -> None:
    for number, block in enumerate(texts):
        if number:
            frame.add_paragraph()  # type: ignore[no-untyped-call]
        paragraph = frame.paragraphs[-1]
        paragraph.text = block.text
        paragraph.font.size = Pt(20)


def _add_slide_tables(slide: Slide, tables: list[Block], texts: list[Block]) -> None:
    left, width, row_height = Emu(500_000), Emu(8_100_000), 340_000
    top = 1_350_000
    for block in tables:
        height = Emu(row_height * len(block.rows))
        shape = slide.shapes.add_table(len(block.rows), len(block.rows[0]), left, Emu(top), width, height)
        for row, cells in zip(shape.table.rows, block.rows, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
                cell.text_frame.paragraphs[0].font.size = Pt(14)
        top += height + 150_000
    if texts:
        box = slide.shapes.add_textbox(left, Emu(top), width, Emu(700_000))
        box.text_frame.word_wrap = True
        _fill_frame(box.text_frame, texts)


def build_xlsx(source: Source) -> bytes:
    """Return the source as a workbook: one sheet per page, named by its first heading.

    Raises SourceError where a page has no heading to name its sheet.
    """
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for page in source.pages:
        name = next((block.text for block in page if block.kind == "heading"), "")
        if not name or len(name) > SHEET_NAME_LENGTH:
            raise SourceError(f"{source.path}: a sheet needs a heading of 1 to {SHEET_NAME_LENGTH} letters")
        sheet = book.create_sheet(name)
        for block in page:
            if block.text != name:
                _add_to_sheet(sheet, block)
        _fit_columns(sheet)
    book.properties.title, book.properties.creator = source.title, "Harbour Lane Bank"
    return _same_bytes(_to_bytes(book))


def _add_to_sheet(sheet: Worksheet, block: Block) -> None:
    if block.kind != "table":
        sheet.append([block.text])
        return
    sheet.append([_typed(cell) for cell in block.rows[0]])
    for cell in sheet[sheet.max_row]:
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="D9E4F0")
    for row in block.rows[1:]:
        sheet.append([_typed(cell) for cell in row])


def _typed(cell: str) -> str | int | float | None:
    """Return a number only where it prints exactly as the source has it, so that quotes stay true."""
    if re.fullmatch(r"-?\d+", cell) and str(int(cell)) == cell:
        return int(cell)
    if re.fullmatch(r"-?\d+\.\d+", cell) and str(float(cell)) == cell:
        return float(cell)
    return cell or None


def _fit_columns(sheet: Worksheet) -> None:
    for number, column in enumerate(sheet.iter_cols(values_only=True), start=1):
        longest = max(len(str(value)) for value in column if value is not None)
        sheet.column_dimensions[get_column_letter(number)].width = min(60, longest + 4)


def _saved(document: Document | Presentation, title: str) -> bytes:
    properties = document.core_properties
    properties.title, properties.author, properties.comments = title, "Harbour Lane Bank", ""
    properties.created = properties.modified = MADE
    return _same_bytes(_to_bytes(document))


def _to_bytes(document: _Savable) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _same_bytes(packed: bytes) -> bytes:
    """Repack an Office file with fixed times, as the libraries write the present ones."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                stamp = f"{MADE.isoformat()}Z".encode()
                content = STAMPS.sub(rb"\g<1>" + stamp + rb"\g<3>", content)
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return buffer.getvalue()
