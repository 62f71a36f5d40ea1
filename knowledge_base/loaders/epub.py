"""EPUB: the chapters of a book in the order of its spine."""

from collections.abc import Iterator
from posixpath import dirname, join, normpath
from urllib.parse import unquote
from zipfile import ZipFile

from knowledge_base.errors import LoadError
from knowledge_base.loaders.archive import open_archive
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.package import Element, safe_xml
from knowledge_base.loaders.web import parse_xhtml
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def load_epub(data: bytes) -> LoadedFile:
    """Read a book; LoadError if it is damaged or copy-protected."""
    with open_archive(data) as book:
        _refuse_protected(book)
        package = _package(book)
        title = package.findtext(".//{*}metadata/{*}title") or ""
        notes: list[Note] = []
        names = _chapters(book, package, dirname(_package_name(book)), notes)
        return collected(on_one_line(title), _blocks(book, names, notes), notes)


def _blocks(book: ZipFile, names: list[str], notes: list[Note]) -> Iterator[Block]:
    for name in names:
        loaded = parse_xhtml(decode(book.read(name), "utf-8"))
        notes += loaded.notes
        yield from loaded.blocks


def _refuse_protected(book: ZipFile) -> None:
    if _ENCRYPTION in book.namelist():
        methods = safe_xml(book.read(_ENCRYPTION)).iterfind(".//{*}EncryptionMethod")
        if any(method.get("Algorithm") not in _FONTS_ONLY for method in methods):
            raise LoadError("The book is copy-protected.", "Use a copy without protection.")


def _package_name(book: ZipFile) -> str:
    if _CONTAINER not in book.namelist():
        raise LoadError("The file is not an EPUB: it has no container.xml.", "Obtain an intact copy.")
    root = safe_xml(book.read(_CONTAINER)).find(".//{*}rootfile")
    name = root.get("full-path", "") if root is not None else ""
    if name not in book.namelist():
        raise LoadError("The book is damaged: its package is missing.", "Obtain an intact copy.")
    return name


def _package(book: ZipFile) -> Element:
    return safe_xml(book.read(_package_name(book)))


def _chapters(book: ZipFile, package: Element, folder: str, notes: list[Note]) -> list[str]:
    """Names of the chapters' files in order, without the table of contents; a missing one is noted."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    spine = [items.get(entry.get("idref")) for entry in package.iterfind(".//{*}spine/{*}itemref")]
    chapters = [
        item for item in spine if item is not None and "nav" not in (item.get("properties") or "").split()
    ]
    names = [normpath(join(folder, unquote(item.get("href", "")))) for item in chapters]
    present = set(book.namelist())
    notes += (Note("part_damaged", name=name) for name in names if name not in present)
    if not present.intersection(names):
        raise LoadError("The book is damaged: all of its chapters are missing.", "Obtain an intact copy.")
    return [name for name in names if name in present]
