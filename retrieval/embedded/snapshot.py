"""What is read from a collection's database: one unchanging state of it, and the values found there."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import NotFoundError
from knowledge_base.notes import notes_of
from knowledge_base.values import CatalogueEntry, Document, Passage
from retrieval.collections import Fingerprint
from retrieval.values import Filter, Vectors

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

_BATCH = 10_000
_PASSAGE = "p.ordinal, p.text, p.first, p.last, p.title, p.heading, p.page, p.ocr"
_ENTRY = "path, source, digest, title, format, size, modified, passages, notes"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A passage as the lexical projection needs it."""

    row: int
    path: str
    format: str
    modified: str
    text: str


class Snapshot:
    """The collection at one revision, read through an open transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        state = connection.execute(
            "SELECT identity, revision, embedder, digest, dimension, chunking FROM collection"
        ).fetchone()
        if state is None:
            raise NotFoundError(
                "The first ingest of the collection never finished.", "Ingest a folder into it."
            )
        self.identity: str = state[0]
        self.revision: int = state[1]
        self.fingerprint = Fingerprint(*state[2:])

    def catalogue(self) -> dict[str, CatalogueEntry]:
        """Every document by its path, in the order of paths."""
        found = self._connection.execute(f"SELECT {_ENTRY} FROM documents ORDER BY path")
        return {row[0]: CatalogueEntry(*(*row[:-1], notes_of(row[-1]))) for row in found}

    def document(self, path: str) -> Document | None:
        """One document with text and passages, or None."""
        found = self._connection.execute(
            f"SELECT {_ENTRY}, id, text FROM documents JOIN texts ON document = id WHERE path = ?", (path,)
        ).fetchone()
        if found is None:
            return None
        *above, _count, notes, number, text = found
        rows = self._connection.execute(
            f"SELECT {_PASSAGE} FROM passages p WHERE document = ? ORDER BY ordinal", (number,)
        )
        passages = tuple(_passage(path, row) for row in rows)
        return Document(*(*above, text, passages, notes_of(notes)))

    def passages(self, rows: Iterable[int]) -> dict[int, Passage]:
        """The passages of `rows` that exist."""
        found = self._connection.execute(
            f"SELECT p.row, path, {_PASSAGE} FROM passages p JOIN documents d ON d.id = p.document"
            " WHERE p.row IN (SELECT value FROM json_each(?))",
            (json.dumps(list(rows)),),
        )
        return {row[0]: _passage(row[1], row[2:]) for row in found}

    def passage_count(self) -> int:
        """How many passages there are."""
        return int(self._scalar("SELECT coalesce(sum(passages), 0) FROM documents"))

    def document_count(self) -> int:
        """How many documents there are."""
        return int(self._scalar("SELECT count(*) FROM documents"))

    def vector_count(self) -> int:
        """How many vectors are kept, those of deleted passages included until they are collected."""
        return int(self._scalar("SELECT count(*) FROM vectors"))

    def missing_vectors(self, contents: Iterable[str]) -> list[str]:
        """Those of the content hashes that have no vector yet."""
        known = "SELECT 1 FROM vectors WHERE content = ?"
        return [c for c in contents if self._connection.execute(known, (c,)).fetchone() is None]

    def everything(self) -> Iterator[tuple[Document, Vectors]]:
        """Every document in the order of paths, with the vectors [passages, dimension] of its passages."""
        for path in self.catalogue():
            if (document := self.document(path)) is not None:
                yield document, self._vectors(path)

    def vectors_after(self, revision: int) -> Iterator[tuple[Rows, Vectors]]:
        """Row ids and vectors [n, dimension] of the passages added after `revision`, in batches."""
        found = self._connection.execute(
            "SELECT row, v.vector FROM passages p JOIN vectors v ON v.id = p.vector WHERE p.revision > ?",
            (revision,),
        )
        while batch := found.fetchmany(_BATCH):
            rows = np.array([row for row, _ in batch], dtype=np.int64)
            joined = np.frombuffer(b"".join(vector for _, vector in batch), dtype="<f4")
            yield rows, joined.reshape(len(batch), self.fingerprint.dimension)

    def texts_after(self, revision: int) -> Iterator[Indexed]:
        """The passages added after `revision`, with the text that is indexed."""
        found = self._connection.execute(
            f"SELECT p.row, path, format, modified, {_PASSAGE}"
            " FROM passages p JOIN documents d ON d.id = p.document WHERE p.revision > ?",
            (revision,),
        )
        for row in found:
            yield Indexed(*(*row[:4], _passage(row[1], row[4:]).indexed_text))

    def removed_after(self, revision: int) -> list[int]:
        """Row ids of the passages removed after `revision`."""
        found = self._connection.execute("SELECT row FROM removed WHERE revision > ?", (revision,))
        return [row for (row,) in found]

    def rows_within(self, limit: Filter) -> Mask:
        """For every row id up to the last allowed one, whether its document passes the filter."""
        where, values = _condition(limit)
        found = self._connection.execute(
            f"SELECT first_row, first_row + passages FROM documents WHERE passages > 0 AND {where}", values
        ).fetchall()
        mask = np.zeros(max((end for _, end in found), default=0), dtype=np.bool_)
        for first, end in found:
            mask[first:end] = True
        return mask

    def _vectors(self, path: str) -> Vectors:
        found = self._connection.execute(
            "SELECT v.vector FROM passages p JOIN vectors v ON v.id = p.vector"
            " WHERE p.document = (SELECT id FROM documents WHERE path = ?) ORDER BY p.ordinal",
            (path,),
        ).fetchall()
        joined = np.frombuffer(b"".join(vector for (vector,) in found), dtype="<f4")
        return joined.reshape(len(found), self.fingerprint.dimension)

    def _scalar(self, query: str) -> int | str:
        value: int | str = self._connection.execute(query).fetchone()[0]
        return value


def _passage(path: str, row: tuple[int | float | str | None, ...]) -> Passage:
    ordinal, text, first, last, title, heading, page, ocr = row
    above = tuple(json.loads(str(heading)))
    return Passage(path, ordinal, text, first, last, title, above, page, ocr)  # type: ignore[arg-type]


def _condition(limit: Filter) -> tuple[str, list[str]]:
    """The SQL condition of a filter and its values; as `LexicalView` says it in tantivy's terms."""
    parts: list[tuple[str, list[str]]] = [("1", [])]
    if limit.documents:
        parts.append(("path IN (SELECT value FROM json_each(?))", [json.dumps(sorted(limit.documents))]))
    if limit.folder:
        # "0" follows "/" in ASCII, so this is the range of the paths that begin with "folder/".
        parts.append(("path > ? AND path < ?", [f"{limit.folder}/", f"{limit.folder}0"]))
    if limit.formats:
        parts.append(("format IN (SELECT value FROM json_each(?))", [json.dumps(sorted(limit.formats))]))
    if limit.after:
        parts.append(("modified >= ?", [limit.after]))
    if limit.before:
        parts.append(("modified <= ?", [limit.before]))
    return " AND ".join(part for part, _ in parts), [value for _, values in parts for value in values]
