"""The database is the truth: projections that are missing, damaged or old are made again from it."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.errors import StorageError
from retrieval.embedded import EmbeddedIndex, dense, lexical
from retrieval.embedded.checksums import is_lexical_intact
from retrieval.embedded.snapshot import Snapshot
from retrieval.values import Candidates
from tests.contracts.index_contract import documents_of
from tests.fakes import FakeEmbedder, a_document

QUESTIONS = ["unique0003 card", "unique0011 fees", "passage 2"]
DOCUMENTS = documents_of(40)


@pytest.fixture(autouse=True)
def _save_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "_SAVE_ROWS", 1)
    monkeypatch.setattr(dense, "_SAVE_SHARE", 0.0)


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


DAMAGE: dict[str, Callable[[Path], None]] = {
    "dense missing": lambda f: (f / "dense.faiss").unlink(),
    "dense flipped": lambda f: flip(f / "dense.faiss"),
    "dense header flipped": lambda f: flip(f / "dense.faiss", 0),
    "dense truncated": lambda f: halve(f / "dense.faiss"),
    "dense empty": lambda f: write(f / "dense.faiss", ""),
    "stamp missing": lambda f: (f / "dense.json").unlink(),
    "stamp truncated": lambda f: halve(f / "dense.json"),
    "stamp of other shape": lambda f: write(f / "dense.json", "[]"),
    "lexical missing": lambda f: shutil.rmtree(f / "lexical"),
    "lexical a file": lambda f: write(f / "lexical", "x"),
    "lexical meta missing": lambda f: meta(f).unlink(),
    "lexical meta truncated": lambda f: halve(meta(f)),
    "lexical meta of other shape": lambda f: write(meta(f), "{}"),
    "lexical segment flipped": lambda f: flip(largest_segment(f)),
    "lexical segment footer flipped": lambda f: flip(largest_segment(f), 0.9999),
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

    assert is_lexical_intact(folder / "lexical")
    monkeypatch.setattr(dense.DenseProjection, "_reset", forbidden)
    monkeypatch.setattr(Snapshot, "vectors_after", only_after_the_beginning)
    monkeypatch.setattr(lexical.LexicalProjection, "_create", forbidden)
    assert search(folder) == before


def only_after_the_beginning(_: Snapshot, revision: int) -> Iterator[None]:
    assert revision > 0, "read every vector again"
    return iter(())


def forbidden(*_: object) -> None:
    raise AssertionError("rebuilt again")


def test_reopening_rebuilds_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense.DenseProjection, "_reset", forbidden)
    monkeypatch.setattr(Snapshot, "vectors_after", only_after_the_beginning)
    monkeypatch.setattr(lexical.LexicalProjection, "_write", forbidden)
    assert search(folder)


def test_unfinished_files_of_a_killed_writer_do_no_harm(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = largest_segment(folder)
    (folder / "lexical" / ("ab" * 16 + ".idx")).write_bytes(b"unfinished")
    (folder / "lexical" / f"{segment.stem}.999999.del").write_bytes(b"")
    (folder / "lexical" / f"{segment.stem}.store.temp").write_bytes(b"half")
    (folder / "dense.new").write_bytes(b"half")
    monkeypatch.setattr(lexical.LexicalProjection, "_create", forbidden)
    assert search(folder)


def test_a_writer_killed_in_its_commit_does_not_stop_the_next(folder: Path, tmp_path: Path) -> None:
    """The file of deleted rows was written, the commit was not; the next one wants the same file name."""
    killed = tmp_path / "killed"
    shutil.copytree(folder, killed)
    before = set((killed / "lexical").iterdir())
    index = EmbeddedIndex(killed, FakeEmbedder())
    index.delete([DOCUMENTS[0].path])
    index.close()
    (left,) = [file for file in set((killed / "lexical").iterdir()) - before if file.suffix == ".del"]
    shutil.copy(left, folder / "lexical" / left.name)
    shutil.copy(killed / "lexical" / ".managed.json", folder / "lexical" / ".managed.json")

    index = EmbeddedIndex(folder, FakeEmbedder())
    index.delete([DOCUMENTS[0].path])
    assert index.search(["unique0000"], 10)[0].lexical == ()
    index.close()


def test_projections_of_another_collection_are_not_believed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    index = EmbeddedIndex(other, FakeEmbedder())
    index.add([a_document("x.txt", ["nothing of the kind"])])
    index.compact()
    index.close()
    before = search(folder)
    for name in ("dense.faiss", "dense.json"):
        shutil.copy(other / name, folder / name)
    shutil.rmtree(folder / "lexical")
    shutil.copytree(other / "lexical", folder / "lexical")
    assert search(folder) == before


def test_a_reader_that_writes_its_lock_does_not_stop_the_removal(folder: Path) -> None:
    """Readers of tantivy, in any process, write a lock file whenever they see a change."""
    before = search(folder)
    lock, done = folder / "lexical" / ".tantivy-meta.lock", threading.Event()

    def keep_writing() -> None:
        while not done.is_set():
            with suppress(FileNotFoundError):
                lock.write_bytes(b"")

    reader = threading.Thread(target=keep_writing)
    reader.start()
    try:
        for _ in range(5):
            (folder / "lexical" / "meta.json").write_text("damaged")
            assert search(folder) == before
    finally:
        done.set()
        reader.join()
    assert not list(folder.glob(".lexical-*"))


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
    monkeypatch.setattr(dense, "_SAVE_ROWS", 1_000)
    stamp = (folder / "dense.json").read_text()
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.delete([DOCUMENTS[0].path])
    index.add([a_document("new.txt", ["zebra crossing"])])
    index.compact()
    index.close()
    assert (folder / "dense.json").read_text() == stamp
    again = EmbeddedIndex(folder, FakeEmbedder())
    assert again.search(["zebra"], 1)[0].dense[0].passage.document == "new.txt"
    found = again.search(["unique0000 card"], 200)[0]
    assert DOCUMENTS[0].path not in {hit.passage.document for hit in found.dense}
    assert len(found.dense) == 39 * 3 + 1


def test_a_search_does_not_fail_because_it_cannot_save(folder: Path) -> None:
    (folder / "dense.faiss").unlink()
    (folder / "dense.new").mkdir()
    before = search(folder)
    assert all(before)
    index = EmbeddedIndex(folder, FakeEmbedder())
    with pytest.raises(StorageError, match=r"dense\.faiss cannot be"):
        index.compact()
    (folder / "dense.new").rmdir()
    assert search(folder) == before
    assert (folder / "dense.faiss").is_file()


def test_the_stamp_tells_what_the_file_holds(folder: Path) -> None:
    stamp = json.loads((folder / "dense.json").read_text())
    assert (stamp["revision"], stamp["rows"], stamp["dimension"]) == (1, 120, 256)


def test_dense_scores_are_cosines(folder: Path) -> None:
    embedder = FakeEmbedder()
    (found,) = EmbeddedIndex(folder, embedder).search(["unique0003 card"], 200)
    question = embedder.embed(["unique0003 card"], "query")[0]
    for hit in found.dense:
        cosine = float(np.dot(embedder.embed([hit.passage.indexed_text], "passage")[0], question))
        assert hit.score == pytest.approx(cosine, abs=1e-5)
    assert len(found.dense) == sum(len(document.passages) for document in DOCUMENTS)
