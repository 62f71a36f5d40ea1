"""EPUB: the chapters of a book in the order of its spine."""

from posixpath import dirname, join, normpath
from urllib.parse import unquote
from zipfile import ZipFile

from lxml import etree

from knowledge_base.errors import LoadError
from knowledge_base.loaders.archive import open_archive
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import on_one_line
from knowledge_base.loaders.web import parse_xhtml
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
        blocks: list[Block] = []
        for name in _chapters(book, package, dirname(_package_name(book))):
            blocks += parse_xhtml(decode(book.read(name), "utf-8")).blocks
    return LoadedFile(on_one_line(title), tuple(blocks))


def _refuse_protected(book: ZipFile) -> None:
    if _ENCRYPTION in book.namelist():
        methods = _xml(book.read(_ENCRYPTION)).iterfind(".//{*}EncryptionMethod")
        if any(method.get("Algorithm") not in _FONTS_ONLY for method in methods):
            raise LoadError("The book is copy-protected.", "Use a copy without protection.")


def _package_name(book: ZipFile) -> str:
    if _CONTAINER not in book.namelist():
        raise LoadError("The file is no EPUB: it has no container.xml.", "Get a whole copy of it.")
    root = _xml(book.read(_CONTAINER)).find(".//{*}rootfile")
    name = root.get("full-path", "") if root is not None else ""
    if name not in book.namelist():
        raise LoadError("The book is damaged: its package is missing.", "Get a whole copy of it.")
    return name


def _package(book: ZipFile) -> etree._Element:
    return _xml(book.read(_package_name(book)))


def _chapters(book: ZipFile, package: etree._Element, folder: str) -> list[str]:
    """Names of the chapters' files in reading order, without the table of contents."""
    items = {item.get("id"): item for item in package.iterfind(".//{*}manifest/{*}item")}
    spine = [items.get(entry.get("idref")) for entry in package.iterfind(".//{*}spine/{*}itemref")]
    chapters = [
        item for item in spine if item is not None and "nav" not in (item.get("properties") or "").split()
    ]
    names = [normpath(join(folder, unquote(item.get("href", "")))) for item in chapters]
    present = set(book.namelist())
    missing = [name for name in names if name not in present]
    if missing:
        raise LoadError(f"The book is damaged: {missing[0]} is missing.", "Get a whole copy of it.")
    return names


def _xml(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
