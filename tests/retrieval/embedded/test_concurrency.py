"""Threads of one process, and two processes, on one collection."""

import json
import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from knowledge_base.errors import BusyError, StorageError
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.lexical import LexicalProjection
from retrieval.embedded.lock import WriterLock
from tests.contracts.index_contract import FEES
from tests.fakes import FakeEmbedder, a_document


def hold(file: Path, pipe: Connection) -> None:
    """Another process that writes until it is told to stop, or nobody is left to tell it."""
    with WriterLock(file).acquire():
        pipe.send("held")
        pipe.poll(30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bank").mkdir()
    return tmp_path / "bank"


class OtherWriter:
    """A process that holds the collection in `folder` during the block."""

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=hold, args=(folder / "lock", theirs))
        self.process.start()
        theirs.close()
        assert self._pipe.recv() == "held"

    def release(self) -> None:
        self._pipe.send("stop")

    def __enter__(self) -> "OtherWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self.process.join()


def test_a_second_writer_learns_who_holds_the_collection(folder: Path) -> None:
    lock = WriterLock(folder / "lock")
    with OtherWriter(folder) as other, pytest.raises(BusyError) as error, lock.acquire():
        pass
    assert f"collection bank is being written by process {other.process.pid} (" in error.value.cause
    assert " since 20" in error.value.cause
    assert "UTC" in error.value.cause


def test_a_second_writer_waits_and_says_for_whom(folder: Path) -> None:
    told: list[str] = []
    with OtherWriter(folder) as other:
        threading.Timer(0.3, other.release).start()
        with WriterLock(folder / "lock").acquire(wait_seconds=30, on_wait=told.append):
            pass
    assert len(told) == 1
    assert f"process {other.process.pid}" in told[0]
    assert told[0].endswith("Waiting for it to finish.")


def test_the_lock_dies_with_its_process(folder: Path) -> None:
    with OtherWriter(folder) as other:
        other.process.kill()
        other.process.join()
        with WriterLock(folder / "lock").acquire():
            assert json.loads((folder / "lock.json").read_text())["pid"] == os.getpid()


def test_searching_needs_no_lock(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([FEES])
    with OtherWriter(folder):
        assert index.search(["platinum"], 1)[0].lexical[0].passage == FEES.passages[0]
        reopened = EmbeddedIndex(folder, FakeEmbedder())
        assert reopened.document(FEES.path) == FEES
        assert reopened.search(["platinum"], 1)[0].dense


def test_an_index_waits_for_its_turn_to_write(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    with OtherWriter(folder) as other:
        threading.Timer(0.2, other.release).start()
        index.add([FEES])
    assert set(index.catalogue()) == {FEES.path}
    with OtherWriter(folder), pytest.raises(BusyError), index.writing(wait_seconds=0.1):
        pass


def test_a_run_of_changes_holds_the_collection(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    other = EmbeddedIndex(folder, FakeEmbedder())
    with index.writing():
        index.add([FEES])
        index.compact()
        assert index.search(["platinum"], 1)[0].lexical
        assert other.search(["platinum"], 1)[0].lexical
        with pytest.raises(BusyError), other.writing(wait_seconds=0):
            pass
    with other.writing(wait_seconds=0):
        other.delete([FEES.path])


def test_the_lock_is_reentrant_in_a_thread_and_exclusive_between_threads(folder: Path) -> None:
    lock = WriterLock(folder / "lock")
    with lock.acquire(), lock.acquire(), ThreadPoolExecutor(1) as pool, pytest.raises(BusyError):
        pool.submit(lambda: lock.acquire().__enter__()).result()
    with lock.acquire_if_free() as free:
        assert free


def test_an_unwritable_lock_file_is_an_error_not_a_holder(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StorageError), WriterLock(tmp_path / "lock").acquire():
        pass


def test_a_projection_is_only_asked_with_its_lock_held(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked without it, a search opened the private folder again that a compaction was deleting."""
    unlocked: list[str] = []
    rows = LexicalProjection._rows

    def watched(self: LexicalProjection) -> int:
        unlocked.extend([] if self.lock.locked() else ["_rows"])
        return rows(self)

    monkeypatch.setattr(LexicalProjection, "_rows", watched)
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add([a_document("doc.md", [f"steady word {number}" for number in range(300)])])
    assert index.search(["steady word"], 5)
    index.compact()
    assert index.search(["steady word"], 5)
    index.close()
    assert not unlocked


def test_threads_search_while_one_writes(folder: Path) -> None:
    """Every search sees whole documents only, of one version, and never fails."""
    index = EmbeddedIndex(folder, FakeEmbedder())
    size = 4
    index.add([a_document("doc.md", [f"steady word {p} version 0" for p in range(size)])])
    stop = threading.Event()

    def write() -> int:
        rounds = 0
        while not stop.is_set():
            rounds += 1
            texts = [f"steady word {p} version {rounds}" for p in range(size)]
            index.add([a_document("doc.md", texts), a_document(f"more/{rounds % 5}.md", ["other matter"])])
            if rounds % 3 == 0:
                index.delete([f"more/{(rounds + 1) % 5}.md"])
            if rounds % 7 == 0:
                index.compact()
        return rounds

    def search() -> int:
        searches = 0
        while not stop.is_set():
            (found,) = index.search(["steady word version"], size)
            versions = {hit.passage.text.split()[-1] for hit in found.dense}
            assert len(versions) == 1, "two versions of one document in one answer"
            assert len(found.dense) == size
            assert {hit.passage.document for hit in found.lexical} <= {"doc.md"}
            searches += 1
        return searches

    with ThreadPoolExecutor(5) as pool:
        writer = pool.submit(write)
        readers = [pool.submit(search) for _ in range(4)]
        time.sleep(3)
        stop.set()
        assert writer.result() > 3
        assert all(reader.result() > 3 for reader in readers)
    (found,) = index.search(["steady word version"], size)
    assert len(found.lexical) == size
    index.close()
