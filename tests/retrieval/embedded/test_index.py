"""The embedded index: the contract, and what only it promises."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.errors import InputError, MismatchError, ModelError, NotFoundError
from retrieval.embedded import EmbeddedIndex
from retrieval.values import TextKind, Vectors
from tests.contracts.index_contract import ALL, FEES, IndexContract
from tests.fakes import FakeEmbedder, a_document

CHUNKING = {"tokens": 200, "overlap": 0}


class TestEmbeddedIndex(IndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> Iterator[EmbeddedIndex]:
        index = EmbeddedIndex(tmp_path / "bank", FakeEmbedder(), CHUNKING)
        yield index
        index.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bank"


def test_a_vector_is_computed_once_for_a_text(folder: Path) -> None:
    embedder = FakeEmbedder()
    index = EmbeddedIndex(folder, embedder)
    index.add([a_document("a.txt", ["one", "two"]), a_document("b.txt", ["two", "three"])])
    assert sorted(embedder.texts) == ["one", "three", "two"]
    assert embedder.calls == 1
    index.add([a_document("a.txt", ["one", "four"])])
    assert embedder.texts[3:] == ["four"]


def test_a_renamed_file_finds_its_vectors_until_they_are_collected(folder: Path) -> None:
    embedder = FakeEmbedder()
    index = EmbeddedIndex(folder, embedder)
    index.add([a_document("old.txt", ["one", "two"])])
    index.delete(["old.txt"])
    index.add([a_document("new.txt", ["one", "two"])])
    assert embedder.calls == 1
    index.compact()
    assert index.stats().vectors == 2
    index.delete(["new.txt"])
    index.compact()
    assert index.stats().vectors == 0
    index.add([a_document("new.txt", ["one", "two"])])
    assert embedder.calls == 2


class BreakingEmbedder(FakeEmbedder):
    """Fails at the third call, as a process does that is killed."""

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        if self.calls == 2:
            raise ModelError("Killed.", "")
        return super().embed(texts, kind)


def test_what_was_embedded_of_a_long_document_is_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.embedded.index._EMBEDDED_TOGETHER", 2)
    document = a_document("long.txt", [f"passage {number}" for number in range(7)])
    index = EmbeddedIndex(folder, BreakingEmbedder())
    with pytest.raises(ModelError, match="Killed"):
        index.add([document])
    assert (index.stats().vectors, dict(index.catalogue())) == (4, {})
    index.close()
    again = FakeEmbedder()
    EmbeddedIndex(folder, again).add([document])
    assert len(again.texts) == 3


def test_questions_are_embedded_in_one_call(folder: Path) -> None:
    embedder = FakeEmbedder()
    index = EmbeddedIndex(folder, embedder)
    index.add(ALL)
    index.search(["one", "two", "three"], 2)
    assert embedder.calls == 2


def test_what_was_added_is_there_after_reopening(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add(ALL)
    before = index.search(["platinum card", "贷款"], 4)
    index.close()
    again = EmbeddedIndex(folder, FakeEmbedder())
    assert again.search(["platinum card", "贷款"], 4) == before
    assert again.revision == before[0].revision


@pytest.mark.parametrize("other", [FakeEmbedder("other"), FakeEmbedder(dimension=32)])
def test_another_embedder_is_refused_with_the_repair(folder: Path, other: FakeEmbedder) -> None:
    EmbeddedIndex(folder, FakeEmbedder()).close()
    with pytest.raises(MismatchError, match="bank was made with the embedder fake") as error:
        EmbeddedIndex(folder, other)
    assert "domainqa ingest --collection bank --rebuild" in error.value.remedy


def test_an_embedder_of_another_name_with_the_same_weights_is_the_same(folder: Path) -> None:
    EmbeddedIndex(folder, FakeEmbedder()).close()
    renamed = FakeEmbedder()
    renamed.id = "/some/other/folder"
    EmbeddedIndex(folder, renamed).close()


def test_other_chunking_is_refused_and_unsaid_chunking_is_not(folder: Path) -> None:
    EmbeddedIndex(folder, FakeEmbedder()).close()
    EmbeddedIndex(folder, FakeEmbedder(), {"tokens": 200}).close()
    EmbeddedIndex(folder, FakeEmbedder()).close()
    with pytest.raises(MismatchError, match="up to 200 tokens, not 100"):
        EmbeddedIndex(folder, FakeEmbedder(), {"tokens": 100})


class BrokenEmbedder(FakeEmbedder):
    """Gives what no embedder may give."""

    def __init__(self, vectors: Vectors) -> None:
        super().__init__()
        self._vectors = vectors

    def embed(self, texts: object, kind: TextKind) -> Vectors:
        return self._vectors


@pytest.mark.parametrize(
    "vectors",
    [np.zeros((1, 256), np.float32), np.zeros((2, 3), np.float32), np.full((2, 256), np.nan, np.float32)],
)
def test_unusable_vectors_are_refused_and_nothing_is_stored(folder: Path, vectors: Vectors) -> None:
    index = EmbeddedIndex(folder, BrokenEmbedder(vectors))
    with pytest.raises(ModelError):
        index.add([FEES])
    assert index.catalogue() == {}
    assert index.stats().vectors == 0


def test_a_failing_document_takes_the_whole_call_back(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    with pytest.raises(AttributeError):
        index.add([FEES, None])  # type: ignore[list-item]
    assert index.catalogue() == {}


def test_a_document_without_a_proper_date_is_refused_whole(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    with pytest.raises(InputError, match="YYYY-MM-DD"):
        index.add([FEES, a_document("x.txt", ["x"], modified="yesterday")])
    assert index.catalogue() == {}


def test_a_deleted_collection_is_not_searched_from_open_files(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add(ALL)
    folder.rename(folder.with_name("gone"))
    with pytest.raises(NotFoundError, match="deleted or replaced"):
        index.search(["card"], 1)


def test_another_process_sees_and_is_seen(folder: Path) -> None:
    """Two indexes on one folder, as two processes would have them."""
    ours, theirs = EmbeddedIndex(folder, FakeEmbedder()), EmbeddedIndex(folder, FakeEmbedder())
    ours.add([FEES])
    assert theirs.search(["platinum"], 1)[0].lexical[0].passage == FEES.passages[0]
    theirs.add([a_document("new.txt", ["zebra crossing"])])
    (found,) = ours.search(["zebra"], 1)
    assert found.dense[0].passage.document == found.lexical[0].passage.document == "new.txt"
    ours.delete(["new.txt"])
    (found,) = theirs.search(["zebra"], 9)
    assert found.lexical == ()
    assert {hit.passage.document for hit in found.dense} == {FEES.path}


def test_stats_count_what_is_there(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder(), CHUNKING)
    index.add(ALL)
    stats = index.stats()
    assert (stats.documents, stats.passages, stats.vectors) == (3, 5, 5)
    assert stats.fingerprint.embedder == "fake"
    assert stats.stored_bytes > 10_000


def test_nothing_here_imports_torch() -> None:
    code = "import sys, retrieval.embedded; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
