"""What a document is while it becomes passages: immutable values, identified by content hash."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from knowledge_base.notes import Note

_BLOCK = 1 << 22

BlockKind = Literal["heading", "text", "row", "note"]


def digest_of(data: bytes) -> str:
    """SHA-256 of `data` in hexadecimal: the one identity of content everywhere in domainqa."""
    return hashlib.sha256(data).hexdigest()


def file_digest(file: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's bytes in hexadecimal, as `digest_of` gives it; OSError if it cannot be read.

    `on_bytes` is called with the number of bytes that have been read.
    """
    digest, done = hashlib.sha256(), 0
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
            done += len(block)
            if on_bytes is not None:
                on_bytes(done)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text at one place of a file, as its loader found it.

    `level` is the heading level (1 is the highest) and 0 for anything else; `page` is the page, slide or
    sheet, counted from 1, or None where the format has none. A table row is one block of kind "row" whose
    text names each column: `Card: Platinum; Annual fee: 680`. `ocr` is how sure the recognition of characters
    was, 0 to 1, and None for text that the file holds as text. A "note" is no text of the file: it says what
    was not read at this place, and belongs to no passage.
    """

    text: str
    kind: BlockKind = "text"
    level: int = 0
    page: int | None = None
    ocr: float | None = None


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What a loader returns: the document's own title ("" if it has none) and its blocks in reading order.

    `notes` say what was not read.
    """

    title: str
    blocks: tuple[Block, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, small enough for the embedder; `text == document.text[start:end]`.

    `document` is the path relative to the ingested folder, with "/" between folders. `heading` is the path
    of headings above the passage, highest first. `page` is that of the passage's first character. `ocr` is
    the mean confidence (0 to 1) of what OCR read in it, None if nothing was.
    """

    document: str
    ordinal: int
    text: str
    start: int
    end: int
    title: str
    heading: tuple[str, ...] = ()
    page: int | None = None
    ocr: float | None = None

    @property
    def id(self) -> str:
        """Deterministic, so that writing a passage twice, or on another backend, gives the same one."""
        return digest_of(f"{self.document}\0{self.ordinal}\0{self.indexed_text}".encode())[:32]

    @property
    def indexed_text(self) -> str:
        """What both retrievers index: the text under its document's title and headings.

        A row of a fee list means little without the list's name: title and headings tell last year's
        list from this year's.
        """
        above = " › ".join(dict.fromkeys(part for part in (self.title, *self.heading) if part))
        return f"{above}\n{self.text}" if above else self.text


@dataclass(frozen=True, slots=True)
class Document:
    """A file that has become text and passages.

    `digest` is the SHA-256 of the file's bytes, `source` the folder it was ingested from, `format` the
    suffix without its dot, `modified` the file's date as YYYY-MM-DD (UTC), `size` its bytes, `notes` what was
    not read of it.
    """

    path: str
    source: str
    digest: str
    title: str
    format: str
    size: int
    modified: str
    text: str
    passages: tuple[Passage, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What a store tells about a document without its text."""

    path: str
    source: str
    digest: str
    title: str
    format: str
    size: int
    modified: str
    passages: int
    notes: tuple[Note, ...] = ()


class PassageStore(Protocol):
    """What ingestion needs of a place to put passages; every backend fulfils it."""

    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """Every document by its path."""
        ...

    def add(self, documents: Sequence[Document]) -> None:
        """Store documents, each in place of the one of its path; a document is seen whole or not at all."""
        ...

    def delete(self, paths: Sequence[str]) -> None:
        """Remove documents with all their passages; a path that is not there is ignored."""
        ...
