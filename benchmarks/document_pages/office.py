"""Files of Office, mail and the web: one function for each kind, in both languages.

Old formats are written by LibreOffice, where it is installed, from the files of today.
"""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from benchmarks.document_pages.pages import TABLES, Cell, Language, Page, cells_of, joined, sentences

_Made = tuple[bytes, str, tuple[Cell, ...]]  # the file, its running text, and the cells of its tables
_MATH = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
_LONGEST = 120  # seconds that LibreOffice may take


def office_pages() -> Iterator[Page]:
    """All kinds of files but PDF, in both languages."""
    program = shutil.which("soffice")
    for language in ("en", "zh"):
        for kind, (suffix, make) in _KINDS.items():
            data, text, cells = make(language)
            yield Page(f"{kind} {language}", kind, language, suffix, data, text, cells)
        for kind, (suffix, make, old) in _OLD.items() if program else ():
            data, text, cells = make(language)
            data = _converted(program or "", data, suffix, old)
            yield Page(f"{kind} {language}", kind, language, old, data, text, cells)


def _converted(program: str, data: bytes, suffix: str, old: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, f"page.{suffix}")
        source.write_bytes(data)
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = [program, "--headless", profile, "--convert-to", old]
        command += ["--outdir", folder, str(source)]
        subprocess.run(command, check=True, timeout=_LONGEST, capture_output=True)
        return source.with_suffix(f".{old}").read_bytes()


def _saved(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined]
    return buffer.getvalue()


def _heading(language: Language) -> str:
    return "General terms" if language == "en" else "第一章 总则"


def _word_text(language: Language) -> _Made:
    """A heading, paragraphs, and raised text."""
    document = docx.Document()
    document.add_heading(_heading(language), 1)
    lines = [joined(sentences(language, 3, first), language) for first in (0, 3)]
    for line in lines:
        document.add_paragraph(line)
    paragraph = document.add_paragraph("4.0 × 10")
    paragraph.add_run("9").font.superscript = True
    paragraph.add_run("/L")
    return _saved(document), "\n".join([_heading(language), *lines, "4.0 × 10⁹/L"]), ()


def _word_table(language: Language) -> _Made:
    document = docx.Document()
    rows = TABLES[language]
    table = document.add_table(len(rows), len(rows[0]))
    for row, texts in zip(table.rows, rows, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    return _saved(document), "", cells_of(rows)


def _word_formula(language: Language) -> _Made:
    """A formula between words, a text box and a content control."""
    before, after, boxed = sentences(language, 3)
    document = docx.Document()
    paragraph = document.add_paragraph(before + " ")
    run = "<m:r><m:t>{}</m:t></m:r>"
    fraction = f"<m:f><m:num>{run.format('a')}</m:num><m:den>{run.format('b')}</m:den></m:f>"
    paragraph._p.append(parse_xml(f"<m:oMath {_MATH}>{run.format('r=')}{fraction}</m:oMath>"))
    inner = f"<w:p><w:r><w:t>{after}</w:t></w:r></w:p>"
    control = parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent>{inner}</w:sdtContent></w:sdt>")
    document.element.body.insert(1, control)
    box = f"<w:txbxContent><w:p><w:r><w:t>{boxed}</w:t></w:r></w:p></w:txbxContent>"
    document.add_paragraph()._p.append(parse_xml(f"<w:r {nsdecls('w')}>{box}</w:r>"))
    return _saved(document), "\n".join([f"{before} r=a/b", after, boxed]), ()


def _slides(language: Language) -> _Made:
    """A title, paragraphs, and what the speaker says."""
    title = _heading(language)
    lines = sentences(language, 4)
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = title
    slide.placeholders[1].text_frame.text = lines[0]
    for line in lines[1:3]:
        slide.placeholders[1].text_frame.add_paragraph().text = line
    slide.notes_slide.notes_text_frame.text = lines[3]
    return _saved(deck), "\n".join([title, *lines]), ()


def _slide_table(language: Language) -> _Made:
    rows = TABLES[language]
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    frame = slide.shapes.add_table(len(rows), len(rows[0]), Inches(1), Inches(1), Inches(8), Inches(4))
    for number, texts in enumerate(rows):
        for column, text in enumerate(texts):
            frame.table.cell(number, column).text = text
    return _saved(deck), "", cells_of(rows)


def _chart(language: Language) -> _Made:
    """Two series in a chart: categories are rows."""
    head, *body = [row[:3] for row in (("", "2024", "2025"), ("Q1", "1.27", "1.2"), ("Q2", "1.31", "1.1"))]
    if language == "zh":
        body = [(name.replace("Q1", "一季度").replace("Q2", "二季度"), *rest) for name, *rest in body]
    data = CategoryChartData()
    data.categories = [row[0] for row in body]
    for column in (1, 2):
        data.add_series(head[column], [float(row[column]) for row in body])
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    place = (Inches(1), Inches(1), Inches(8), Inches(4))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *place, data)
    return _saved(deck), "", tuple(Cell(row[0], head[at], row[at]) for row in body for at in (1, 2))


def _numbers(language: Language) -> _Made:
    """Numbers that their formats show otherwise than they are stored."""
    names = ("No", "Fee", "Share", "Since") if language == "en" else ("编号", "费用", "比例", "日期")
    codes = ("00000", '#,##0.00" EUR"', "0.0%", "dd.mm.yyyy")
    if language == "zh":
        codes = ("00000", '0"万元"', "0.0%", 'yyyy"年"m"月"d"日"')
    book = openpyxl.Workbook()
    book.active.append(names)
    for number, fee, share, day in ((731, 5200, 0.125, 46023), (88, 4100, 0.0745, 46054)):
        book.active.append((number, fee if language == "en" else fee // 100, share, day))
    for row in book.active.iter_rows(min_row=2):
        for cell, code in zip(row, codes, strict=True):
            cell.number_format = code
    shown = [
        ("00731", "5,200.00 EUR", "12.5%", "01.01.2026"),
        ("00088", "4,100.00 EUR", "7.5%", "01.02.2026"),
    ]
    if language == "zh":
        shown = [("00731", "52万元", "12.5%", "2026年1月1日"), ("00088", "41万元", "7.5%", "2026年2月1日")]
    return _saved(book), "", cells_of([names, *shown])


def _statement(language: Language) -> _Made:
    """Lines above the header, a second table below, and a hidden row."""
    rows = [row[:3] for row in TABLES[language]]
    titles = ("Fees of 2026", "Bank: Example Bank", "Unit: EUR")
    if language == "zh":
        titles = ("二〇二六年收费表", "编制单位：示例银行", "单位：元")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([titles[0]])
    sheet.merge_cells("A1:C1")
    sheet.append([titles[1], None, titles[2]])
    for row in rows:
        sheet.append(row)
    sheet.append(["hidden", "1", "2"])
    sheet.row_dimensions[sheet.max_row].hidden = True
    return _saved(book), "", cells_of(rows)


def _mail(language: Language) -> _Made:
    """A message with a forwarded one."""
    lines = sentences(language, 4)
    inner = EmailMessage()
    inner.set_content(joined(lines[2:], language))
    message = EmailMessage()
    message.set_content(joined(lines[:2], language))
    message.add_attachment(inner)
    return message.as_bytes(), "\n".join([joined(lines[:2], language), joined(lines[2:], language)]), ()


def _markdown(language: Language) -> _Made:
    """Emphasis beside punctuation, and a note."""
    first, second, third = sentences(language, 3)
    mark = "Note:" if language == "en" else "注意："
    gap = " " if language == "en" else ""
    source = f"# {_heading(language)}\n\n**{mark}**{gap}{first}[^1]\n\n{second}\n\n[^1]: {third}\n"
    text = "\n".join([_heading(language), f"{mark}{gap}{first}[1]", second, f"[1] {third}"])
    return source.encode(), text, ()


def _page(language: Language) -> _Made:
    """A page in its frame, with raised and deleted text."""
    lines = sentences(language, 3)
    page = (
        "<html><body><nav>Home</nav><header>Bank</header><div><h1>{}</h1><p>{}</p><p>{} <del>99</del></p>"
        "<p>4.0 × 10<sup>9</sup>/L</p></div><footer>Imprint</footer></body></html>"
    ).format(_heading(language), *lines[:2])
    return page.encode(), "\n".join([_heading(language), *lines[:2], "4.0 × 10⁹/L"]), ()


def _page_table(language: Language) -> _Made:
    rows = TABLES[language]
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<html><body><table>{lines}</table></body></html>".encode(), "", cells_of(rows)


_KINDS: dict[str, tuple[str, Callable[[Language], _Made]]] = {
    "Word: text": ("docx", _word_text),
    "Word: table": ("docx", _word_table),
    "Word: formula, text box, control": ("docx", _word_formula),
    "PowerPoint: text": ("pptx", _slides),
    "PowerPoint: table": ("pptx", _slide_table),
    "PowerPoint: chart": ("pptx", _chart),
    "Excel: numbers as shown": ("xlsx", _numbers),
    "Excel: statement": ("xlsx", _statement),
    "mail with a forwarded one": ("eml", _mail),
    "Markdown": ("md", _markdown),
    "HTML: text": ("html", _page),
    "HTML: table": ("html", _page_table),
}
_OLD: dict[str, tuple[str, Callable[[Language], _Made], str]] = {
    "DOC: text": ("docx", _word_text, "doc"),
    "DOC: table": ("docx", _word_table, "doc"),
    "PPT: text": ("pptx", _slides, "ppt"),
    "PPT: table": ("pptx", _slide_table, "ppt"),
    "XLS: numbers as shown": ("xlsx", _numbers, "xls"),
    "XLS: statement": ("xlsx", _statement, "xls"),
    "RTF: text": ("docx", _word_text, "rtf"),
    "RTF: table": ("docx", _word_table, "rtf"),
    "ODT: text": ("docx", _word_text, "odt"),
    "ODS: statement": ("xlsx", _statement, "ods"),
    "ODP: text": ("pptx", _slides, "odp"),
}
