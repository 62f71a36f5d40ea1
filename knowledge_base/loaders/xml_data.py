"""XML: office documents in one file, and any other XML by its elements."""

import io
import zipfile
from base64 import b64decode
from collections.abc import Iterator

from lxml import etree

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.numbers import shown_number
from knowledge_base.loaders.package import NAMESPACES, Element, safe_xml
from knowledge_base.loaders.records import value_blocks
from knowledge_base.loaders.sheets import load_sheets
from knowledge_base.loaders.slides import load_slides
from knowledge_base.loaders.web import parse_xhtml
from knowledge_base.loaders.word import load_word
from knowledge_base.loaders.workbook import CellCounter, Sheet, book_blocks
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_PACKAGE = "{http://schemas.microsoft.com/office/2006/xmlPackage}"
_WORD_2003 = "http://schemas.microsoft.com/office/word/2003/wordml"
_SHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
_TITLES = frozenset(["title", "head", "heading", "caption", "header"])
_PARAGRAPHS = frozenset(["p", "para", "simpara", "paragraph", "ab", "line", "verse", "section", "chapter"])
_INLINE = 0.3  # of elements with children, how many may hold words beside them in a file of data
_DEEPEST, _DEEPEST_HEADING = 100, 6
_FORMATS = {"Percent": "0.00%", "Currency": '"¥"#,##0.00', "Fixed": "0.00", "Standard": "#,##0.00"}


def load_xml(data: bytes) -> LoadedFile:
    """Read XML; LoadError if it defines entities or nothing of it is well-formed."""
    if b"<!ENTITY" in data:
        raise LoadError("The file's XML defines entities.", "Save it again in its own program.")
    notes: list[Note] = []
    try:
        root = safe_xml(data)
    except etree.XMLSyntaxError:
        notes.append(Note("part_damaged", name="XML"))
        try:
            root = safe_xml(data, recover=True)
        except etree.XMLSyntaxError as error:
            raise LoadError("The file is not XML.", "Save it again in its own program.") from error
    name = etree.QName(root)
    if root.tag == f"{_PACKAGE}package":
        return _of_package(root)
    if name.namespace == _WORD_2003:
        return load_word(_word_2003(data, root))
    if root.tag == f"{_SHEET}Workbook":
        return collected("", book_blocks(_sheets(root), notes), notes)
    if name.localname == "html":
        return parse_xhtml(decode(data, "utf-8"))
    title = next((on_one_line(_text(child)) for child in root if _name(child) == "title"), "")
    blocks = _document(root, 1) if _is_document(root) else value_blocks(_value(root, 0), 1)
    return collected(title, blocks, notes)


def _of_package(root: Element) -> LoadedFile:
    """An office file whose parts stand in one XML file ("Flat OPC")."""
    buffer = io.BytesIO()
    names = []
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in root.iterchildren(f"{_PACKAGE}part"):
            names.append(str(part.get(f"{_PACKAGE}name", "")).lstrip("/"))
            xml, binary = part.find(f"{_PACKAGE}xmlData"), part.findtext(f"{_PACKAGE}binaryData")
            content = etree.tostring(xml[0]) if xml is not None and len(xml) else b64decode(binary or "")
            archive.writestr(names[-1], content)
    kinds = {"word/": load_word, "xl/": load_sheets, "ppt/": load_slides}
    loader = next(
        (loader for folder, loader in kinds.items() if any(n.startswith(folder) for n in names)), None
    )
    if loader is None:
        raise LoadError(
            "The file is not an Office document: its main part is missing.", "Obtain an intact copy."
        )
    return loader(buffer.getvalue())


def _word_2003(data: bytes, root: Element) -> bytes:
    """A document of Word 2003 as a package of today: the elements are the same under another name."""
    usual = NAMESPACES["w"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "word/document.xml", etree.tostring(root).replace(_WORD_2003.encode(), usual.encode())
        )
        types = {
            "styles": root.find(f"{{{_WORD_2003}}}styles"),
            "numbering": root.find(f"{{{_WORD_2003}}}lists"),
        }
        relations = []
        for number, (kind, element) in enumerate(types.items()):
            if element is not None:
                content = etree.tostring(element).replace(_WORD_2003.encode(), usual.encode())
                archive.writestr(f"word/{kind}.xml", content)
                target = f"{NAMESPACES['r']}/{kind}"
                relations.append(f'<Relationship Id="r{number}" Type="{target}" Target="{kind}.xml"/>')
        archive.writestr(
            "word/_rels/document.xml.rels", f"<Relationships>{''.join(relations)}</Relationships>"
        )
    return buffer.getvalue()


def _sheets(root: Element) -> Iterator[tuple[Sheet | None, bool]]:
    """The sheets of a workbook of Excel 2003, which many banks' systems export."""
    codes = {
        style.get(f"{_SHEET}ID"): str(style.find(f"{_SHEET}NumberFormat").get(f"{_SHEET}Format", ""))
        for style in root.iter(f"{_SHEET}Style")
        if style.find(f"{_SHEET}NumberFormat") is not None
    }
    counter = CellCounter()
    for element in root.iterchildren(f"{_SHEET}Worksheet"):
        sheet = Sheet(str(element.get(f"{_SHEET}Name", "")))
        row = -1
        for line in element.iterfind(f"{_SHEET}Table/{_SHEET}Row"):
            row = int(line.get(f"{_SHEET}Index", row + 2)) - 1
            counter.count(len(line))
            if line.get(f"{_SHEET}Hidden") == "1":
                sheet.hidden_rows.add(row)
            _cells(line, row, sheet, codes)
        visible = element.findtext(".//{urn:schemas-microsoft-com:office:excel}Visible") or "SheetVisible"
        yield (sheet, False) if visible == "SheetVisible" else (None, True)


def _cells(line: Element, row: int, sheet: Sheet, codes: dict[str | None, str]) -> None:
    column = -1
    for cell in line.iterchildren(f"{_SHEET}Cell"):
        column = int(cell.get(f"{_SHEET}Index", column + 2)) - 1
        wide, high = int(cell.get(f"{_SHEET}MergeAcross", "0")), int(cell.get(f"{_SHEET}MergeDown", "0"))
        if wide or high:
            sheet.merges.append((column, row, column + wide, row + high))
        data = cell.find(f"{_SHEET}Data")
        if data is not None:
            text = "".join(data.itertext())
            code = codes.get(cell.get(f"{_SHEET}StyleID"), "")
            sheet.put(row, column, _shown(text, data.get(f"{_SHEET}Type", ""), _FORMATS.get(code, code)))
        elif cell.get(f"{_SHEET}Formula"):
            sheet.put_formula(row, column, str(cell.get(f"{_SHEET}Formula")))
        remark = cell.find(f"{_SHEET}Comment")
        if remark is not None:
            sheet.remarks.append((row, column, "".join(remark.itertext()).strip()))
        column += wide


def _shown(text: str, kind: str, code: str) -> str:
    if kind == "DateTime":
        return text.removesuffix(".000").removesuffix("T00:00:00").replace("T", " ")
    if kind != "Number":
        return {"1": "TRUE", "0": "FALSE"}.get(text, text) if kind == "Boolean" else text
    number = float(text)
    return shown_number(int(number) if number.is_integer() else number, code or "General")


def _is_document(root: Element) -> bool:
    """Whether words stand between elements or in paragraphs, as in texts, and not only in fields."""
    inner = mixed = 0
    for element in root.iter(etree.Element):
        if _name(element) in _PARAGRAPHS:
            return True
        if len(element):
            inner += 1
            mixed += bool(
                (element.text or "").strip() or any((child.tail or "").strip() for child in element)
            )
    return mixed > _INLINE * inner


def _document(element: Element, level: int) -> Iterator[Block]:
    """Titles as headings and the innermost elements with words as paragraphs."""
    for child in element:
        if not isinstance(child.tag, str):
            continue
        words = (child.text or "").strip() or any((inner.tail or "").strip() for inner in child)
        if words or not len(child) or level == _DEEPEST:
            text = on_one_line(_text(child))
            if text and _name(child) in _TITLES:
                yield Block(text, "heading", min(level, _DEEPEST_HEADING))
            elif text:
                yield Block(text)
        else:
            yield from _document(child, level + 1)


def _value(element: Element, depth: int) -> object:
    """An element as JSON would have it: attributes and children by name, those of one name as a list."""
    children = [child for child in element if isinstance(child.tag, str)]
    fields: dict[str, list[object]] = {
        etree.QName(name).localname: [text] for name, text in element.items() if text.strip()
    }
    if not children or depth > _DEEPEST:
        text = on_one_line(_text(element))
        return (
            {**{name: values[0] for name, values in fields.items()}, "text": text}
            if fields and text
            else text
        )
    for child in children:
        fields.setdefault(_name(child), []).append(_value(child, depth + 1))
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}


def _text(element: Element) -> str:
    return "".join(str(text) for text in element.itertext("*"))


def _name(element: Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
