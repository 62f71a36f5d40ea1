"""The lexical projection: the terms of a collection in tantivy, ranked by BM25.

tantivy maps its files into memory, and a mapped file that another program truncates kills the process. So it
works in a folder of this process alone; what is saved beside the database is a copy.
"""

import itertools
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import tantivy
from tantivy import FieldType, Occur, Query

from retrieval.analysis import ANALYSIS_VERSION, index_words, query_terms, stemmer
from retrieval.embedded.projection import Found, Projection, checksum
from retrieval.embedded.snapshot import Indexed, Snapshot
from retrieval.values import Filter, day_of

_TOKENIZER = "domainqa"
_PRIVATE = "domainqa-lexical-"
_HEAP_BYTES = 64_000_000
_MAX_QUERY_TERMS = 512


class LexicalView:
    """An unchanging state of the index that threads can search at the same time."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher

    def search(self, question: str, depth: int, limit: Filter) -> Found:
        """The best row ids that pass the filter, with their BM25 score."""
        wanted = query_terms(question)[:_MAX_QUERY_TERMS]
        within = [(Occur.Must, Query.const_score_query(part, 0.0)) for part in self._within(limit)]
        if not wanted:
            return []
        query = Query.boolean_query([(Occur.Should, self._term("terms", term)) for term in wanted])
        if within:
            query = Query.boolean_query([(Occur.Must, query), *within])
        hits = self._searcher.search(query, limit=depth, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        found = [(int(row or 0), float(score)) for row, (score, _) in zip(rows, hits, strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def _within(self, limit: Filter) -> Iterator[Query]:
        """The filter in tantivy's terms, as `Snapshot` says it in SQL."""
        if limit.documents:
            yield Query.term_set_query(self._schema, "path", sorted(limit.documents))
        if limit.folder:
            yield self._term("folder", limit.folder)
        if limit.formats:
            yield Query.term_set_query(self._schema, "format", sorted(limit.formats))
        if limit.after or limit.before:
            after = day_of(limit.after) if limit.after else None
            before = day_of(limit.before) if limit.before else None
            yield Query.range_query(self._schema, "modified", FieldType.Integer, after, before)

    def _term(self, field: str, term: str) -> Query:
        return Query.term_query(self._schema, field, term, "freq" if field == "terms" else "basic")


class LexicalProjection(Projection):
    """Terms by row id."""

    save_rows = 200

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "lexical", f"analysis {ANALYSIS_VERSION}")
        self._schema = _schema()
        self._private: Path | None = None
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None

    @property
    def is_worth_saving(self) -> bool:
        """Whether reading it again would help little; never while it is in memory alone."""
        return self._private is not None and super().is_worth_saving

    def view(self) -> LexicalView:
        """What it holds by now; to be searched without the lock."""
        return LexicalView(self._schema, self._opened().searcher())

    def _read(self, saved: Path, checksums: dict[str, int]) -> bool:
        place = self._private_folder()
        for name, expected in checksums.items():
            with (place / Path(name).name).open("wb") as copy:
                if checksum(saved / name, copy) != expected:
                    return False
        self._private = place
        self._opened()
        return True

    def _write(self, fresh: Path) -> None:
        self._end_writing()
        for file in self._private.iterdir() if self._private else ():
            if not file.name.endswith(".lock"):
                shutil.copyfile(file, fresh / file.name)

    def _apply(self, snapshot: Snapshot, after: int) -> int:
        """One commit, in memory where the disk is full."""
        try:
            return self._commit(snapshot, after)
        except ValueError:  # tantivy's way to say anything
            if self._private is None:
                raise
            self._clear()
            self._index = self._made(None)
            return self._commit(snapshot, 0)

    def _commit(self, snapshot: Snapshot, after: int) -> int:
        index = self._opened()
        if self._writer is None:  # costs a tenth of a second, so it is kept
            self._writer = index.writer(_HEAP_BYTES, num_threads=1)
        writer = self._writer
        changed = 0
        for row in snapshot.removed_after(after) if after else ():
            writer.delete_documents_by_term("row", row)
            changed += 1
        for passage in snapshot.texts_after(after):
            writer.add_document(_lexical_document(passage))
            changed += 1
        writer.commit()
        index.reload()
        return changed

    def _end_writing(self) -> None:
        """Wait for merges, so that the files stay as they are."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.wait_merging_threads()

    def _clear(self) -> None:
        self._index = self._writer = None
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
        self._private = None

    def _rows(self) -> int:
        return self._opened().searcher().num_docs

    def _opened(self) -> tantivy.Index:
        if self._index is None:
            try:
                self._private = self._private or self._private_folder()
                self._index = self._made(self._private)
            except (OSError, ValueError):  # no temporary folder can be written
                self._private = None
                self._index = self._made(None)
        return self._index

    def _made(self, place: Path | None) -> tantivy.Index:
        index = tantivy.Index(self._schema, str(place)) if place else tantivy.Index(self._schema)
        index.register_tokenizer(_TOKENIZER, stemmer())
        index.config_reader("manual")
        return index

    def _private_folder(self) -> Path:
        """A new folder that goes with this object; those of processes that were killed go now."""
        place = Path(tempfile.mkdtemp(prefix=f"{_PRIVATE}{os.getpid()}-"))
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        for left in place.parent.glob(f"{_PRIVATE}*"):
            owner = left.name.removeprefix(_PRIVATE).partition("-")[0]
            if owner.isdigit() and not Path(f"/proc/{owner}").exists() and Path("/proc/self").exists():
                shutil.rmtree(left, ignore_errors=True)
        return place


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name=_TOKENIZER, index_option="freq")
    builder.add_integer_field("row", indexed=True, fast=True)
    for name in ("path", "folder", "format"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("modified", fast=True)
    return builder.build()


def _lexical_document(passage: Indexed) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("terms", index_words(passage.text))
    document.add_integer("row", passage.row)
    document.add_text("path", passage.path)
    for folder in itertools.accumulate(passage.path.split("/")[:-1], "{}/{}".format):
        document.add_text("folder", folder)
    document.add_text("format", passage.format)
    document.add_integer("modified", day_of(passage.modified))
    return document
