"""Whatever is added, changed and deleted: the database and both retrievers equal a dictionary."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from knowledge_base.values import Document
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.dense import DenseProjection
from retrieval.embedded.lexical import LexicalProjection
from retrieval.embedded.projection import MARKER
from retrieval.values import Filter
from tests.fakes import FakeEmbedder, a_document

PATHS = st.sampled_from(["a.md", "b.txt", "x/a.md", "x/y/c.txt", "中文/文.md"])
TEXTS = st.lists(
    st.sampled_from(["common card", "common fee 680", "common 年费", "common loan 3.35"]), max_size=4
)
DOCUMENTS = st.builds(a_document, PATHS, TEXTS, title=st.sampled_from(["", "List"]))


class IndexMachine(RuleBasedStateMachine):
    """Random changes on an index and on a dictionary."""

    @initialize(save_early=st.booleans())
    def begin(self, save_early: bool) -> None:
        self.directory = tempfile.TemporaryDirectory()
        self.folder = Path(self.directory.name) / "bank"
        self.save_rows = {kind: kind.save_rows for kind in (DenseProjection, LexicalProjection)}
        for kind, rows in self.save_rows.items():
            kind.save_rows = 1 if save_early else rows
        self.index = EmbeddedIndex(self.folder, FakeEmbedder())
        self.model: dict[str, Document] = {}

    @rule(documents=st.lists(DOCUMENTS, max_size=4))
    def add(self, documents: list[Document]) -> None:
        self.index.add(documents)
        self.model.update({document.path: document for document in documents})

    @rule(paths=st.lists(PATHS, max_size=3))
    def delete(self, paths: list[str]) -> None:
        self.index.delete(paths)
        for path in paths:
            self.model.pop(path, None)

    @rule()
    def compact(self) -> None:
        self.index.compact()
        texts = {p.indexed_text for document in self.model.values() for p in document.passages}
        assert self.index.stats().vectors == len(texts)

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.index = EmbeddedIndex(self.folder, FakeEmbedder())

    @rule()
    def lose_a_projection(self) -> None:
        for name in ("dense", "lexical"):
            (self.folder / name / MARKER).unlink(missing_ok=True)
        self.reopen()

    @invariant()
    def all_agree(self) -> None:
        self.agree(Filter(), self.model)
        within = {path: document for path, document in self.model.items() if path.startswith("x/")}
        self.agree(Filter(folder="x"), within)

    def agree(self, limit: Filter, model: dict[str, Document]) -> None:
        if limit.is_empty:
            assert {path: self.index.document(path) for path in self.index.catalogue()} == model
        expected = sorted(p.id for document in model.values() for p in document.passages)
        (found,) = self.index.search(["common"], 100, limit)
        assert sorted(hit.passage.id for hit in found.dense) == expected
        assert sorted(hit.passage.id for hit in found.lexical) == expected

    def teardown(self) -> None:
        if hasattr(self, "index"):
            self.index.close()
            self.directory.cleanup()
            for kind, rows in self.save_rows.items():
                kind.save_rows = rows


IndexMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestIndexAgainstModel = IndexMachine.TestCase
