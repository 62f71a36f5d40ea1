"""SIGKILL at twenty random moments of an ingest: nothing reported done is lost, nothing half is visible."""

import itertools
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from knowledge_base.values import Document
from retrieval.embedded import EmbeddedIndex
from retrieval.embedded.dense import DenseProjection
from retrieval.embedded.lexical import LexicalProjection
from tests.fakes import FakeEmbedder, a_document

KILLS = 20
PATHS = [f"d{n % 3}/{n:02}.md" for n in range(24)]
PASSAGES = 3
BATCH = 4
BATCHES = len(PATHS) // BATCH
READY, DONE = "ready", "done"


def version(path: str, number: int) -> Document:
    """A document as its file was at version `number`."""
    word = path.translate({ord("/"): None, ord("."): None})
    return a_document(path, [f"{word} passage {p} in version {number}" for p in range(PASSAGES)])


def ingest(folder: Path, number: int, reports: Connection) -> None:
    """What the killed process does: replace every document, report each batch, compact now and then."""
    DenseProjection.save_rows = LexicalProjection.save_rows = 1
    reports.send(READY)
    index = EmbeddedIndex(folder, FakeEmbedder(delay=0.001))
    for begin in range(0, len(PATHS), BATCH):
        index.add([version(path, number) for path in PATHS[begin : begin + BATCH]])
        reports.send(PATHS[begin : begin + BATCH])
        if begin % (2 * BATCH) == 0:
            index.compact()
    index.close()
    reports.send(DONE)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: waiting for a disk would only make the test slower."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Processes that have imported everything already, so that a kill hits the work and not the start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def start(context: ForkServerContext, folder: Path, number: int) -> tuple[ForkServerProcess, Connection]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=ingest, args=(folder, number, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == READY
    return process, ours


def messages(reports: Connection) -> Iterator[str | list[str]]:
    while True:
        try:
            yield reports.recv()
        except EOFError:
            return


def check(folder: Path, done: dict[str, int], newest: int) -> None:
    """Open as the next process would, and look at every document through every door."""
    index = EmbeddedIndex(folder, FakeEmbedder())
    visible = {path: index.document(path) for path in index.catalogue()}
    for path, number in done.items():
        assert visible[path] in [version(path, n) for n in range(number, newest + 1)], f"{path} was lost"
    whole = {p.id for document in visible.values() for p in document.passages}
    assert len(whole) == PASSAGES * len(visible)
    for path, document in visible.items():
        assert len(document.passages) == index.catalogue()[path].passages == PASSAGES
    (found,) = index.search(["passage version"], 1_000)
    assert {hit.passage.id for hit in found.dense} == whole
    assert {hit.passage.id for hit in found.lexical} == whole
    assert found.revision == index.revision
    index.close()


def test_sigkill_loses_nothing_and_shows_nothing_half(context: ForkServerContext, folder: Path) -> None:
    chance = random.Random(20261123)
    done: dict[str, int] = {}

    process, reports = start(context, folder / "timed", 0)
    begun = time.monotonic()
    assert list(messages(reports))[-1] == DONE
    one_batch = (time.monotonic() - begun) / BATCHES
    process.join()

    cut_short = 0
    for number in range(1, KILLS + 1):
        process, reports = start(context, folder / "bank", number)
        heard = list(itertools.islice(messages(reports), chance.randrange(BATCHES)))
        time.sleep(chance.uniform(0, one_batch))
        process.kill()
        process.join()
        heard += messages(reports)
        cut_short += DONE not in heard
        done.update({path: number for batch in heard if batch != DONE for path in batch})
        check(folder / "bank", done, number)
    assert cut_short >= KILLS // 2

    process, reports = start(context, folder / "bank", KILLS + 1)
    assert list(messages(reports))[-1] == DONE
    process.join()
    assert process.exitcode == 0
    check(folder / "bank", dict.fromkeys(PATHS, KILLS + 1), KILLS + 1)
