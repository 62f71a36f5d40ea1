"""Something is done again when a folder changes."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_base.errors import InputError
from knowledge_base.watch import watch

PATIENCE = 20


@pytest.fixture
def calls(tmp_path: Path) -> Iterator["queue.Queue[int]"]:
    """Calls of a watcher over `tmp_path` that is ended after the test."""
    made: queue.Queue[int] = queue.Queue()
    stop = threading.Event()
    thread = threading.Thread(target=watch, args=(tmp_path, lambda: made.put(1), stop))
    thread.start()
    yield made
    stop.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_the_first_call_comes_by_itself_and_one_more_after_a_burst(
    tmp_path: Path, calls: "queue.Queue[int]"
) -> None:
    calls.get(timeout=PATIENCE)
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text("x")
    calls.get(timeout=PATIENCE)
    (tmp_path / "0.txt").unlink()
    calls.get(timeout=PATIENCE)
    assert calls.empty()


def test_hidden_files_do_not_count(tmp_path: Path, calls: "queue.Queue[int]") -> None:
    calls.get(timeout=PATIENCE)
    (tmp_path / ".hidden.txt").write_text("x")
    (tmp_path / "~$lock.docx").write_text("x")
    with pytest.raises(queue.Empty):
        calls.get(timeout=2.5)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        watch(tmp_path / "nothing", lambda: None, threading.Event())
