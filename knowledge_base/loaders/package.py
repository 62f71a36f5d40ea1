"""Office Open XML packages: parts and how they relate to each other, whatever program wrote them.

Read with lxml alone: templates, files of ISO/IEC 29500 Strict and files with a broken part are then files
like any other. (ECMA-376 part 2; the namespaces of Strict are those of part 1.)
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from posixpath import basename, dirname, join, normpath
from typing import IO, Any, cast
from urllib.parse import unquote
from zipfile import ZipFile

from lxml import etree

from knowledge_base.errors import LoadError
from knowledge_base.loaders.archive import open_archive
from knowledge_base.notes import Note

Element = Any  # of lxml, which has no types worth their name

NAMESPACES = {
    "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "p": "http://schemas.openxmlformats.org/presentationml/2006/main",
    "s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
}
# Longer names first: one is the beginning of others.
_STRICT = tuple(
    (f"http://purl.oclc.org/ooxml/{short}".encode(), NAMESPACES[key].encode())
    for key, short in (
        ("w", "wordprocessingml/main"),
        ("p", "presentationml/main"),
        ("s", "spreadsheetml/main"),
        ("a", "drawingml/main"),
        ("c", "drawingml/chart"),
        ("dgm", "drawingml/diagram"),
        ("m", "officeDocument/math"),
        ("r", "officeDocument/relationships"),
    )
)
_MOST_TREE_BYTES = 60_000_000  # of XML that is held as a tree, at five to eight bytes for one


def qn(name: str) -> str:
    """The name as lxml writes it: `w:p` with its whole namespace."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def safe_xml(data: bytes, *, recover: bool = False) -> Element:
    """The root of XML from a stranger: no entities, no network, no other file.

    Raises:
        etree.XMLSyntaxError: it is not well-formed, or with `recover` nothing of it is.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, recover=recover
    )
    root = etree.fromstring(data, parser)
    if root is None:
        raise etree.XMLSyntaxError("no element", 0, 0, 0)
    return root


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: `kind` is the last word of the relation's type, `target` a part's name."""

    kind: str
    target: str
    external: bool


class Package:
    """The parts of an office file. `notes` gathers the parts that were damaged or missing."""

    def __init__(self, data: bytes, notes: list[Note]) -> None:
        self._archive: ZipFile = open_archive(data)
        self._names = {name.replace("\\", "/").lstrip("/").lower(): name for name in self._archive.namelist()}
        self._relations: dict[str, Mapping[str, Relation]] = {}
        self.notes = notes

    def close(self) -> None:
        """Let the archive go."""
        self._archive.close()

    @property
    def names(self) -> list[str]:
        """The names of all parts, in lower case."""
        return list(self._names)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def read(self, name: str) -> bytes:
        """The bytes of a part; KeyError if there is none of that name."""
        return self._archive.read(self._names[name.lower()])

    def xml(self, name: str) -> Element | None:
        """The root of a part, or None if it is missing or beyond repair, which is noted."""
        if name not in self:
            return None
        if self._archive.getinfo(self._names[name.lower()]).file_size > _MOST_TREE_BYTES:
            self.notes.append(Note("part_large", name=basename(name)))
            return None
        data = self.read(name)
        if self.is_strict:
            for strict, usual in _STRICT:
                data = data.replace(strict, usual)
        try:
            return safe_xml(data)
        except etree.XMLSyntaxError:
            self.notes.append(Note("part_damaged", name=basename(name)))
        try:
            return safe_xml(data, recover=True)
        except etree.XMLSyntaxError:
            return None

    def stream(self, name: str) -> IO[bytes]:
        """A part to be read piece by piece, in the usual namespaces."""
        file = self._archive.open(self._names[name.lower()])
        return cast(IO[bytes], _Usual(file)) if self.is_strict else file

    @cached_property
    def is_strict(self) -> bool:
        """Whether the file is written in the namespaces of ISO/IEC 29500 Strict."""
        heads = (
            self._archive.open(name).read(2000) for name in self._names.values() if name.endswith(_HEADS)
        )
        return any(b"http://purl.oclc.org/ooxml/" in head for head in heads)

    @cached_property
    def main(self) -> str:
        """The name of the main part; LoadError if the file is no office document."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument" and relation.target in self:
                return relation.target
        usual = ("word/document.xml", "xl/workbook.xml", "xl/workbook.bin", "ppt/presentation.xml")
        found = next((name for name in usual if name in self), None)
        if found is None:
            raise LoadError(
                "The file is not an Office document: its main part is missing.", "Obtain an intact copy."
            )
        return found

    def relations(self, part: str) -> Mapping[str, Relation]:
        """What `part` refers to, by id; "" is the package itself."""
        if part not in self._relations:
            self._relations[part] = dict(self._read_relations(part))
        return self._relations[part]

    def related(self, part: str, kind: str) -> list[str]:
        """The parts that are there and that `part` refers to by this kind."""
        found = self.relations(part).values()
        return [other.target for other in found if other.kind == kind and other.target in self]

    def title(self) -> str:
        """The title among the document's properties, "" if it is one that programs write by themselves."""
        names = (*self.related("", "core-properties"), "docprops/core.xml")
        root = self.xml(names[0])
        found = root.findtext(".//{http://purl.org/dc/elements/1.1/}title") if root is not None else None
        return found or ""

    def _read_relations(self, part: str) -> Iterator[tuple[str, Relation]]:
        root = self.xml(join(dirname(part), "_rels", f"{basename(part)}.rels"))
        for element in root if root is not None else ():
            kind = str(element.get("Type", "")).rstrip("/").rsplit("/", 1)[-1]
            kind = {"coreProperties": "core-properties"}.get(kind, kind)
            target = unquote(str(element.get("Target", "")))
            external = element.get("TargetMode") == "External"
            if not external:
                target = normpath(join("/", dirname(part), target.replace("\\", "/"))).lstrip("/")
            yield str(element.get("Id", "")), Relation(kind, target, external)


_HEADS = ("document.xml", "workbook.xml", "presentation.xml")


class _Usual(io.RawIOBase):
    """Bytes with the names of Strict replaced; a name may be divided between two reads of the file."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = self._rest + self._file.read(size)
        begins = piece.rfind(b"http://purl.oclc.org/")
        keep = (
            begins
            if begins >= 0 and begins > len(piece) - 80 and len(piece) > len(self._rest)
            else len(piece)
        )
        self._rest = piece[keep:]
        piece = piece[:keep]
        for strict, usual in _STRICT:
            piece = piece.replace(strict, usual)
        return piece or (self.read(size) if self._rest else b"")
