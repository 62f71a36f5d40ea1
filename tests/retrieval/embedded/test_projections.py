"""The database is the truth: projections that are missing, damaged or old are made again from it."""

import errno
import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.errors import StorageError
from retrieval.embedded import EmbeddedIndex, projection
from retrieval.embedded.dense import DenseProjection
from retrieval.embedded.lexical import LexicalProjection
from retrieval.embedded.snapshot import Snapshot
from retrieval.values import Candidates
from tests.contracts.index_contract import documents_of
from tests.fakes import FakeEmbedder, a_document

QUESTIONS = ["unique0003 card", "unique0011 fees", "passage 2"]
DOCUMENTS = documents_of(40)


@pytest.fixture(autouse=True)
def _save_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (DenseProjection, LexicalProjection):
        monkeypatch.setattr(kind, "save_rows", 1)
        monkeypatch.setattr(kind, "save_share", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed collection with both projections on disk."""
    folder = tmp_path / "bank"
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add(DOCUMENTS)
    index.compact()
    index.close()
    return folder


def scores(found: list[Candidates]) -> list[list[tuple[str, float]]]:
    """Text and score of every hit; the lexical scores may move a little when deletions are merged away."""
    return [
        [(hit.passage.text, round(hit.score, 4)) for hit in hits]
        for found in found
        for hits in (found.dense, found.lexical)
    ]


def search(folder: Path) -> list[list[tuple[str, float]]]:
    index = EmbeddedIndex(folder, FakeEmbedder())
    try:
        return scores(index.search(QUESTIONS, 10))
    finally:
        index.close()


def flip(file: Path, at: float = 0.5) -> None:
    """Turn over one byte of a file."""
    data = bytearray(file.read_bytes())
    data[int(len(data) * at)] ^= 0xFF
    file.write_bytes(data)


def write(file: Path, text: str) -> None:
    """A file with this text in place of what is there."""
    if file.is_dir():
        shutil.rmtree(file)
    file.write_text(text)


def halve(file: Path) -> None:
    """Cut a file in the middle."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def largest_segment(folder: Path) -> Path:
    files = [file for file in (folder / "lexical").iterdir() if file.suffix in (".idx", ".term", ".fast")]
    return max(files, key=lambda file: file.stat().st_size)


def meta(folder: Path) -> Path:
    return folder / "lexical" / "meta.json"


def vectors(folder: Path) -> Path:
    return folder / "dense" / "vectors.faiss"


def marker(folder: Path, projection: str) -> Path:
    return folder / projection / "marker.json"


def believable(folder: Path) -> None:
    """Garbage whose checksum is the one in the marker."""
    vectors(folder).write_bytes(b"garbage")
    body = json.loads(marker(folder, "dense").read_text())
    body["checksums"] = {"vectors.faiss": zlib.crc32(b"garbage")}
    marker(folder, "dense").write_text(json.dumps(body))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "dense missing": lambda f: shutil.rmtree(f / "dense"),
    "dense a file": lambda f: write(f / "dense", "x"),
    "dense flipped": lambda f: flip(vectors(f)),
    "dense header flipped": lambda f: flip(vectors(f), 0),
    "dense truncated": lambda f: halve(vectors(f)),
    "dense empty": lambda f: write(vectors(f), ""),
    "dense of believable garbage": believable,
    "dense marker missing": lambda f: marker(f, "dense").unlink(),
    "dense marker truncated": lambda f: halve(marker(f, "dense")),
    "dense marker of other shape": lambda f: write(marker(f, "dense"), "[]"),
    "lexical missing": lambda f: shutil.rmtree(f / "lexical"),
    "lexical a file": lambda f: write(f / "lexical", "x"),
    "lexical meta missing": lambda f: meta(f).unlink(),
    "lexical meta truncated": lambda f: halve(meta(f)),
    "lexical marker of other shape": lambda f: write(marker(f, "lexical"), "{}"),
    "lexical segment flipped": lambda f: flip(largest_segment(f)),
    "lexical segment truncated": lambda f: halve(largest_segment(f)),
    "lexical segment missing": lambda f: largest_segment(f).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_costs_one_rebuild(
    folder: Path, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = search(folder)
    damage(folder)
    assert search(folder) == before

    monkeypatch.setattr(Snapshot, "vectors_after", only_after_the_beginning)
    monkeypatch.setattr(Snapshot, "texts_after", only_after_the_beginning)
    assert search(folder) == before


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_under_an_open_index_costs_nothing(folder: Path, damage: Callable[[Path], None]) -> None:
    """Another program truncates or overwrites saved files while a process searches with them."""
    index = EmbeddedIndex(folder, FakeEmbedder())
    before = scores(index.search(QUESTIONS, 10))
    damage(folder)
    assert scores(index.search(QUESTIONS, 10)) == before
    index.add([a_document("new.txt", ["zebra crossing"])])
    assert index.search(["zebra"], 1)[0].lexical[0].passage.document == "new.txt"
    index.close()


def only_after_the_beginning(_: Snapshot, revision: int) -> Iterator[None]:
    assert revision > 0, "read everything again"
    return iter(())


def test_reopening_rebuilds_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Snapshot, "vectors_after", only_after_the_beginning)
    monkeypatch.setattr(Snapshot, "texts_after", only_after_the_beginning)
    assert search(folder)


def test_an_index_of_another_analysis_is_made_again(folder: Path) -> None:
    before = search(folder)
    body = json.loads(marker(folder, "lexical").read_text())
    marker(folder, "lexical").write_text(json.dumps({**body, "made_with": "analysis 0"}))
    assert search(folder) == before
    assert json.loads(marker(folder, "lexical").read_text())["made_with"] == body["made_with"]


def test_what_a_killed_process_left_is_cleared(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "domainqa-lexical-999999999-x"
    left.mkdir()
    (folder / ".lexical-0123").mkdir()
    (folder / ".dense-0123").mkdir()
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([a_document("new.txt", ["zebra crossing"])])
    index.compact()
    assert len(list(tmp_path.glob("domainqa-lexical-*"))) == 1
    index.close()
    assert not left.exists()
    assert not list(tmp_path.glob("domainqa-lexical-*"))
    assert not list(folder.glob(".*-0123"))


def test_without_a_temporary_folder_the_terms_are_in_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = search(folder)
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    index = EmbeddedIndex(folder, FakeEmbedder())
    assert scores(index.search(QUESTIONS, 10)) == before
    index.add([a_document("new.txt", ["zebra crossing"])])
    assert index.search(["zebra"], 1)[0].lexical
    index.compact()
    index.close()
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert search(folder) == search(folder)


def test_projections_of_another_collection_are_not_believed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    index = EmbeddedIndex(other, FakeEmbedder())
    index.add([a_document("x.txt", ["nothing of the kind"])])
    index.compact()
    index.close()
    before = search(folder)
    for name in ("dense", "lexical"):
        shutil.rmtree(folder / name)
        shutil.copytree(other / name, folder / name)
    assert search(folder) == before


def test_an_older_database_makes_newer_projections_again(folder: Path, tmp_path: Path) -> None:
    """A backup of the database alone was put back."""
    before = search(folder)
    shutil.copy(folder / "collection.sqlite", tmp_path / "backup")
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([a_document("new.txt", ["unique0003 card fees newest"])])
    index.compact()
    index.close()
    assert search(folder) != before
    shutil.copy(tmp_path / "backup", folder / "collection.sqlite")
    assert search(folder) == before


def test_projections_of_another_history_are_made_again(folder: Path, tmp_path: Path) -> None:
    """A backup of the database was put back, and the next change has the number of one that was undone."""
    shutil.copy(folder / "collection.sqlite", tmp_path / "backup")
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([a_document("new.txt", ["unique0003 card fees newest"])])
    index.compact()
    index.close()
    shutil.copy(tmp_path / "backup", folder / "collection.sqlite")
    index = EmbeddedIndex(folder, FakeEmbedder())
    other = a_document("other.txt", ["card fees of another kind", "card fees of a third kind"])
    index.add([other])
    (found,) = index.search(["card fees"], 1_000)
    expected = {p.id for document in (*DOCUMENTS, other) for p in document.passages}
    assert {hit.passage.id for hit in found.dense} == {hit.passage.id for hit in found.lexical} == expected
    index.close()


def test_a_small_change_is_caught_up_without_saving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DenseProjection, "save_rows", 1_000)
    monkeypatch.setattr(LexicalProjection, "save_rows", 1_000)
    saved = {name: marker(folder, name).read_text() for name in ("dense", "lexical")}
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([a_document("new.txt", ["zebra crossing"])])
    index.compact()
    assert {name: marker(folder, name).read_text() for name in ("dense", "lexical")} == saved
    index.delete([DOCUMENTS[0].path])
    index.compact()  # what was deleted is still in the saved files
    index.close()
    assert not any(marker(folder, name).exists() for name in ("dense", "lexical"))
    again = EmbeddedIndex(folder, FakeEmbedder())
    assert again.search(["zebra"], 1)[0].dense[0].passage.document == "new.txt"
    found = again.search(["unique0000 card"], 200)[0]
    assert DOCUMENTS[0].path not in {hit.passage.document for hit in found.dense}
    assert len(found.dense) == 39 * 3 + 1


def test_a_search_does_not_fail_because_it_cannot_save(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = search(folder)
    for name in ("dense", "lexical"):
        shutil.rmtree(folder / name)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(projection.uuid, "uuid4", full)
        index = EmbeddedIndex(folder, FakeEmbedder())
        assert scores(index.search(QUESTIONS, 10)) == before
        index.add([a_document("new.txt", ["zebra crossing"])])
        with pytest.raises(StorageError, match="The disk is full"):
            index.compact()
        index.close()
    assert search(folder)
    assert marker(folder, "dense").is_file()
    assert marker(folder, "lexical").is_file()


def test_the_marker_names_what_the_files_hold(folder: Path) -> None:
    body = json.loads(marker(folder, "dense").read_text())
    assert (body["revision"], body["rows"], body["made_with"]) == (1, 120, "256 dimensions")


def test_the_files_of_earlier_versions_go(folder: Path) -> None:
    (folder / "dense.faiss").write_bytes(b"old")
    (folder / "dense.json").write_text("{}")
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([a_document("new.txt", ["zebra crossing"])])
    index.compact()
    index.close()
    assert not list(folder.glob("dense.*"))


def test_dense_scores_are_cosines(folder: Path) -> None:
    embedder = FakeEmbedder()
    (found,) = EmbeddedIndex(folder, embedder).search(["unique0003 card"], 200)
    question = embedder.embed(["unique0003 card"], "query")[0]
    for hit in found.dense:
        cosine = float(np.dot(embedder.embed([hit.passage.indexed_text], "passage")[0], question))
        assert hit.score == pytest.approx(cosine, abs=1e-5)
    assert len(found.dense) == sum(len(document.passages) for document in DOCUMENTS)
