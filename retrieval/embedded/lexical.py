"""The lexical projection: the terms of a collection in tantivy, on disk, ranked by BM25.

The index says itself which revision of which collection it holds: one document, the stamp, is written in
the same commit as the passages. So it is whole at every moment, whenever the process dies.
"""

import itertools
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tantivy
from tantivy import FieldType, Occur, Query

from knowledge_base.errors import StorageError
from retrieval.analysis import ANALYSIS_VERSION, index_words, query_terms, stemmer
from retrieval.embedded.checksums import is_lexical_intact
from retrieval.embedded.dense import Found
from retrieval.embedded.snapshot import Indexed, Snapshot
from retrieval.storage import translate_errors
from retrieval.values import Filter, day_of

FOLDER_NAME = "lexical"
TOKENIZER = "domainqa"

_REMOVED = ".lexical-"
_HEAP_BYTES = 64_000_000
_MAX_QUERY_TERMS = 512


class LexicalView:
    """An unchanging state of the index that threads can search at the same time."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher, revision: int) -> None:
        self._schema = schema
        self._searcher = searcher
        self.revision = revision

    @property
    def passage_count(self) -> int:
        """How many passages are in it."""
        return self._searcher.num_docs - 1  # the stamp

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


class LexicalProjection:
    """Terms by row id. Any thread may take a view; only the holder of the writer lock may catch up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER_NAME
        self._schema = _schema()
        self._lock = threading.Lock()
        self._index: tantivy.Index | None = None
        self._writer: tantivy.IndexWriter | None = None
        self._view: LexicalView | None = None

    def view(self, snapshot: Snapshot) -> LexicalView | None:
        """What is on disk by now, whoever wrote it; None if it is missing, damaged or another's."""
        with self._lock:
            return self._current(snapshot)

    def catch_up(self, snapshot: Snapshot) -> None:
        """Take over what the database has and this has not, or make the index anew.

        Call with the writer lock held and a snapshot taken since. Raises StorageError if it cannot be
        written.
        """
        with self._lock, self._translate():
            view = self._current(snapshot)
            if view is not None and view.revision == snapshot.revision:
                return
            if self._index is None or view is None or view.revision > snapshot.revision:
                self._write(self._create(), snapshot, 0)
            else:
                self._write(self._index, snapshot, view.revision)
            self._look(snapshot.identity)

    def finish(self) -> None:
        """End a run of writing: wait for merges, let the next writer in. The writer lock is still held."""
        with self._lock, self._translate():
            writer, self._writer = self._writer, None
            if writer is not None:
                writer.wait_merging_threads()

    def close(self) -> None:
        """Release the files."""
        self.finish()
        with self._lock:
            self._abandon()

    def _current(self, snapshot: Snapshot) -> LexicalView | None:
        if self._index is None:
            self._open(snapshot)
        elif self._view is None or self._view.revision != snapshot.revision:
            self._look(snapshot.identity)
        return self._view

    def _open(self, snapshot: Snapshot) -> None:
        if not is_lexical_intact(self._folder):
            return
        try:
            self._index = self._open_index()
        except ValueError:  # another schema, or files missing
            return
        self._look(snapshot.identity)
        view = self._view
        if view is None or view.revision != snapshot.revision:
            return
        if view.passage_count != snapshot.passage_count():
            self._abandon()

    def _look(self, identity: str) -> None:
        """Take a view of what has been committed by now."""
        if self._index is None:
            return
        try:
            self._index.reload()
        except ValueError:  # files were lost since it was opened
            self._abandon()
            return
        searcher = self._index.searcher()
        stamp = searcher.search(
            Query.term_query(self._schema, "stamp", _stamp(identity)), limit=1, count=False
        )
        if not stamp.hits:
            self._abandon()
            return
        (revision,) = searcher.fast_field_values("revision", [stamp.hits[0][1]])
        self._view = LexicalView(self._schema, searcher, int(revision or 0))

    def _create(self) -> tantivy.Index:
        self._abandon()
        if self._folder.is_dir():
            self._move_away()
        self._folder.unlink(missing_ok=True)
        self._folder.mkdir()
        self._index = self._open_index()
        return self._index

    def _move_away(self) -> None:
        """Take the folder out of the way at once, its files after that.

        A reader of tantivy, here or in another process, writes its lock file when it sees a change; in the
        middle of the removal that would leave a folder that is not empty.
        """
        self._folder.rename(self._folder.parent / f"{_REMOVED}{uuid.uuid4().hex}")
        for left in self._folder.parent.glob(f"{_REMOVED}*"):  # those of a killed process too
            shutil.rmtree(left, ignore_errors=True)

    def _open_index(self) -> tantivy.Index:
        index = tantivy.Index(self._schema, str(self._folder))
        index.register_tokenizer(TOKENIZER, stemmer())
        index.config_reader("manual")
        return index

    def _write(self, index: tantivy.Index, snapshot: Snapshot, revision: int) -> None:
        """One commit: what was removed and added since, and the new stamp."""
        if self._writer is None:
            self._writer = index.writer(_HEAP_BYTES, num_threads=1)
            # A writer killed in its commit leaves files under names that the next commit may want.
            self._writer.garbage_collect_files()
        for row in snapshot.removed_after(revision) if revision else ():
            self._writer.delete_documents_by_term("row", row)
        for passage in snapshot.texts_after(revision):
            self._writer.add_document(_lexical_document(passage))
        self._writer.delete_documents_by_term("stamp", _stamp(snapshot.identity))
        self._writer.add_document(_stamp_document(snapshot))
        self._writer.commit()

    def _abandon(self) -> None:
        self._index = self._writer = self._view = None

    @contextmanager
    def _translate(self) -> Iterator[None]:
        try:
            with translate_errors(self._folder):
                yield
        except ValueError as error:  # tantivy's way to say anything, a full disk too
            self._abandon()
            raise StorageError(
                f"The lexical index {self._folder} cannot be written ({error}).",
                "Check disk space and rights; if they are fine delete the folder: it is made again.",
            ) from error


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("terms", tokenizer_name=TOKENIZER, index_option="freq")
    builder.add_integer_field("row", indexed=True, fast=True)
    for name in ("path", "folder", "format", "stamp"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("modified", fast=True)
    builder.add_integer_field("revision", fast=True)
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


def _stamp(identity: str) -> str:
    """Names a collection and the analysis of its terms: an index of another one is not ours."""
    return f"{identity} {ANALYSIS_VERSION}"


def _stamp_document(snapshot: Snapshot) -> tantivy.Document:
    document = tantivy.Document()
    document.add_text("stamp", _stamp(snapshot.identity))
    document.add_integer("revision", snapshot.revision)
    return document
