"""The lock of a home: one holder, named, gone with its process, inherited without a gap."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from finetune.retrain.lock import RunLock
from knowledge_base.errors import BusyError

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_there_is_one_holder_and_it_is_named(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "runs" / ".lock")
    assert lock.holder() is None
    descriptor = lock.take("one")
    with pytest.raises(BusyError, match="one"):
        RunLock(tmp_path / "runs" / ".lock").take("two")
    holder = lock.holder()
    assert holder is not None and holder.run == "one"
    os.close(descriptor)
    assert lock.holder() is None
    os.close(lock.take("two"))


def test_looking_does_not_keep_anyone_from_taking_it(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / ".lock")
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            lock.holder()

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    for number in range(50):
        os.close(lock.take(str(number)))
    stop.set()
    for looker in lookers:
        looker.join()
    assert lock.holder() is None


def test_who_looks_sees_one_holder_or_the_next(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / ".lock")
    descriptor = lock.take("run")
    stop = threading.Event()

    def hand_over() -> None:
        while not stop.is_set():
            lock.hand_over(descriptor, "run", os.getpid())

    giver = threading.Thread(target=hand_over)
    giver.start()
    seen = {holder.run if (holder := lock.holder()) else None for _ in range(2000)}
    stop.set()
    giver.join()
    os.close(descriptor)
    assert seen == {"run"}


def test_a_child_inherits_it_and_its_death_frees_it(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / ".lock")
    descriptor = lock.take("run")
    child = subprocess.Popen(SLEEP, pass_fds=[descriptor])
    lock.hand_over(descriptor, "run", child.pid)
    os.close(descriptor)
    holder = lock.holder()
    assert holder is not None and holder.pid == child.pid
    child.kill()
    child.wait()
    assert lock.holder() is None


def test_the_holder_is_ended(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / ".lock")
    descriptor = lock.take("run")
    child = subprocess.Popen(SLEEP, pass_fds=[descriptor])
    lock.hand_over(descriptor, "run", child.pid)
    os.close(descriptor)
    lock.end("another")
    assert child.poll() is None
    lock.end("run")
    assert lock.holder() is None
    assert child.wait(10) != 0


def test_nobody_is_ended_for_a_number_that_somebody_else_has_now(tmp_path: Path) -> None:
    """The file names a process that is older than the note says: another one."""
    lock = RunLock(tmp_path / ".lock")
    descriptor = lock.take("run")
    bystander = subprocess.Popen(SLEEP)
    os.pwrite(descriptor, f'{{"run": "run", "pid": {bystander.pid}, "began": 1.0}}'.encode(), 0)
    ender = threading.Thread(target=lock.end, args=("run",))
    ender.start()
    time.sleep(0.2)
    assert bystander.poll() is None
    os.close(descriptor)
    ender.join(10)
    assert not ender.is_alive()
    bystander.kill()
    bystander.wait()
