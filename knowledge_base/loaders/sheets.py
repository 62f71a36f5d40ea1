"""XLSX and its kin: every visible sheet as tables, with values as the program shows them."""

from collections.abc import Iterator
from posixpath import basename

from lxml import etree

from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.drawing import box_texts
from knowledge_base.loaders.formula import joined_runs
from knowledge_base.loaders.numbers import BUILT_IN, general, is_date_code, shown_number, shown_text
from knowledge_base.loaders.package import Element, Package, qn
from knowledge_base.loaders.titles import own_title
from knowledge_base.loaders.workbook import CellCounter, Sheet, book_blocks, place
from knowledge_base.loaders.xlsb import binary_sheets
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_THREADED = "Comment:\n"  # before it stands a remark of Excel to older versions of itself
_MOST_SHARED_STRINGS, _MOST_SHARED_CHARACTERS = 3_000_000, 60_000_000


def load_sheets(data: bytes) -> LoadedFile:
    """Read an XLSX, XLSM, XLTX or XLSB; LoadError if it is damaged, protected or a zip bomb."""
    notes: list[Note] = []
    package = Package(data, notes)
    if package.main.endswith(".bin"):
        return collected(own_title(package.title()), book_blocks(binary_sheets(package), notes), notes)
    return collected(own_title(package.title()), _Book(package).blocks(), notes)


class _Book:
    def __init__(self, package: Package) -> None:
        self._package = package
        self._counter = CellCounter()
        self._strings: list[str] = []
        self._codes: list[str] = []
        book = package.xml(package.main)
        self._book = book if book is not None else etree.Element("workbook")
        properties = self._book.find(qn("s:workbookPr"))
        self._since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        # Written by programs that compute nothing: a stored 0 is then a place holder.
        calculation = self._book.find(qn("s:calcPr"))
        self._is_uncalculated = calculation is not None and calculation.get("fullCalcOnLoad") in ("1", "true")

    def blocks(self) -> Iterator[Block]:
        self._codes = list(_codes(self._package))
        self._strings = list(_shared_strings(self._package))
        yield from book_blocks(self._sheets(), self._package.notes)

    def _sheets(self) -> Iterator[tuple[Sheet | None, bool]]:
        relations = self._package.relations(self._package.main)
        for element in self._book.iterfind(f"{qn('s:sheets')}/{qn('s:sheet')}"):
            relation = relations.get(str(element.get(qn("r:id"), "")))
            name = str(element.get("name", ""))
            if element.get("state", "visible") != "visible":
                yield None, True
            elif relation is None or relation.target not in self._package:
                self._package.notes.append(Note("part_damaged", name=name))
                yield None, False
            elif relation.kind == "worksheet":
                yield self._sheet(name, relation.target), False
            else:  # a sheet that is one chart, or of old macros
                yield None, False

    def _sheet(self, name: str, part: str) -> Sheet:
        sheet = Sheet(name)
        wanted = [qn(f"s:{tag}") for tag in ("row", "col", "mergeCell")]
        try:
            with self._package.stream(part) as file:
                for _, element in etree.iterparse(
                    file, tag=wanted, huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False
                ):
                    self._take(element, sheet)
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        except etree.XMLSyntaxError:
            self._package.notes.append(Note("part_damaged", name=name))
        sheet.remarks = list(_remarks(self._package, part))
        sheet.boxes = list(box_texts(self._package, part))
        return sheet

    def _take(self, element: Element, sheet: Sheet) -> None:
        tag = etree.QName(element).localname
        if tag == "row":
            self._row(element, sheet)
        elif tag == "col" and element.get("hidden") in ("1", "true"):
            first, last = int(element.get("min", "1")), int(element.get("max", "1"))
            sheet.hidden_columns.update(range(first - 1, min(last, 16_384)))
        elif tag == "mergeCell":
            first, _, last = element.get("ref", "").partition(":")
            (top, left), (bottom, right) = place(first), place(last or first)
            sheet.merges.append((left, top, right, bottom))

    def _row(self, element: Element, sheet: Sheet) -> None:
        row = int(element.get("r") or max(sheet.cells, default=-1) + 2) - 1
        if element.get("hidden") in ("1", "true"):
            sheet.hidden_rows.add(row)
        self._counter.count(len(element))
        column = -1
        for cell in element.iterchildren(qn("s:c")):
            reference = cell.get("r")
            column = place(reference)[1] if reference else column + 1
            value = cell.findtext(qn("s:v"))
            formula = cell.find(qn("s:f"))
            if formula is not None and self._is_uncomputed(cell.get("t", "n"), value):
                sheet.put_formula(row, column, formula.text or "")
            else:
                sheet.put(row, column, self._shown(cell, value))

    def _is_uncomputed(self, kind: str, value: str | None) -> bool:
        if kind == "str":
            return value is None
        return not value or (self._is_uncalculated and value == "0" and kind == "n")

    def _shown(self, cell: Element, value: str | None) -> str:
        kind = cell.get("t", "n")
        code = self._code(cell.get("s"))
        if kind == "n":
            return self._number(value, code)
        if kind == "inlineStr":
            inline = cell.find(qn("s:is"))
            return shown_text(_rich(inline), code) if inline is not None else ""
        if kind == "s":
            number = int(value or len(self._strings))
            return shown_text(self._strings[number], code) if number < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        # a date as ISO 8601 writes it, the text of a formula, or an error
        return (value or "").removesuffix("T00:00:00") if kind == "d" else shown_text(value or "", code)

    def _number(self, value: str | None, code: str) -> str:
        if not value:
            return ""
        number = int(value) if value.lstrip("-").isdigit() else float(value)
        if code == "General":
            return general(number)
        return shown_number(number, code, since_1904=self._since_1904)

    def _code(self, style: str | None) -> str:
        number = int(style) if style and style.isdigit() else 0
        return self._codes[number] if number < len(self._codes) else "General"


def _codes(package: Package) -> Iterator[str]:
    """The format code of each cell style."""
    names = package.related(package.main, "styles")
    root = package.xml(names[0]) if names else None
    if root is None:
        return
    own = {
        element.get("numFmtId"): str(element.get("formatCode", ""))
        for element in root.iterfind(f"{qn('s:numFmts')}/{qn('s:numFmt')}")
    }
    for style in root.iterfind(f"{qn('s:cellXfs')}/{qn('s:xf')}"):
        number = style.get("numFmtId", "0")
        code = own.get(number) or BUILT_IN.get(int(number) if number.isdigit() else 0, "General")
        # a date is shown in the order of the reader's own country, so in one that none misreads
        yield BUILT_IN[14] if number == "14" and is_date_code(code) else code


def _shared_strings(package: Package) -> Iterator[str]:
    names = package.related(package.main, "sharedStrings")
    if not names:
        return
    try:
        with package.stream(names[0]) as file:
            parsed = etree.iterparse(
                file, tag=qn("s:si"), huge_tree=True, resolve_entities=False, no_network=True, load_dtd=False
            )
            length = 0
            for count, (_, element) in enumerate(parsed):
                text = _rich(element)
                length += len(text)
                if count > _MOST_SHARED_STRINGS or length > _MOST_SHARED_CHARACTERS:
                    package.notes.append(Note("part_damaged", name=basename(names[0])))
                    return
                yield text
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError:
        package.notes.append(Note("part_damaged", name=basename(names[0])))


def _rich(element: Element) -> str:
    """Text of runs, raised and lowered ones as such, without the readings above Japanese words."""
    runs = list(element.iterchildren(qn("s:r")))
    if not runs:
        return element.findtext(qn("s:t")) or ""
    return joined_runs((_kind(run), run.findtext(qn("s:t")) or "") for run in runs)


def _kind(run: Element) -> str:
    script = run.find(f"{qn('s:rPr')}/{qn('s:vertAlign')}")
    strike = run.find(f"{qn('s:rPr')}/{qn('s:strike')}")
    kind = {"superscript": "sup", "subscript": "sub"}.get(
        script.get("val", "") if script is not None else "", ""
    )
    return kind or ("strike" if strike is not None and strike.get("val", "1") not in ("0", "false") else "")


def _remarks(package: Package, part: str) -> Iterator[tuple[int, int, str]]:
    """The notes of cells: row, column and text."""
    for name in package.related(part, "comments"):
        root = package.xml(name)
        for comment in root.iter(qn("s:comment")) if root is not None else ():
            text = "".join(found.text or "" for found in comment.iter(qn("s:t"))).strip()
            if text and comment.get("ref"):
                text = text.partition(_THREADED)[2].strip() if text.startswith("[Threaded") else text
                yield (*place(str(comment.get("ref"))), text)
