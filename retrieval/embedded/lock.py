"""One writer at a time per collection: a lock that dies with its process and tells who holds it."""

import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from knowledge_base.errors import BusyError
from retrieval.collections import OnWait, silently
from retrieval.storage import translate_errors

_POLL_SECONDS = 0.05
_COMMAND_LENGTH = 120


class WriterLock:
    """`flock` on a file between processes, a re-entrant lock between the threads of this one.

    The kernel releases it when the process dies, however it dies; the file's text only says who holds it.
    Two of these on one file exclude each other within a process too.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._threads = threading.RLock()
        self._depth = 0
        self._descriptor = -1

    @contextmanager
    def acquire(self, wait_seconds: float = 0.0, on_wait: OnWait = silently) -> Iterator[bool]:
        """Hold the lock during the block; yields whether this is the outermost hold of the thread.

        Args:
            wait_seconds: how long to wait for another holder.
            on_wait: called once, with a sentence that names the holder, if there is waiting to do.

        Raises:
            BusyError: somebody else still holds it after that time; names process, command and since when.
            StorageError: the lock file cannot be written.
        """
        if not self._take(wait_seconds, on_wait):
            raise BusyError(self._holder(), "Wait until it has finished, then run the command again.")
        try:
            yield self._depth == 1
        finally:
            self._release()

    @contextmanager
    def acquire_if_free(self) -> Iterator[bool]:
        """Hold the lock during the block if nobody else does; yields whether it is held."""
        held = self._take(0.0, silently)
        try:
            yield held
        finally:
            if held:
                self._release()

    def _take(self, wait_seconds: float, on_wait: OnWait) -> bool:
        deadline = time.monotonic() + wait_seconds
        told = False
        while not self._take_now():
            if time.monotonic() >= deadline:
                return False
            if not told:
                on_wait(f"{self._holder()} Waiting for it to finish.")
                told = True
            time.sleep(_POLL_SECONDS)
        return True

    def _take_now(self) -> bool:
        if not self._threads.acquire(blocking=False):
            return False
        try:
            if self._depth == 0 and not self._take_file():
                self._threads.release()
                return False
        except BaseException:
            self._threads.release()
            raise
        self._depth += 1
        return True

    def _take_file(self) -> bool:
        with translate_errors(self._file):
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except OSError:
                os.close(descriptor)
                raise
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, _self_description(), 0)
        self._descriptor = descriptor
        return True

    def _release(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            os.close(self._descriptor)
        self._threads.release()

    def _holder(self) -> str:
        try:
            body = json.loads(self._file.read_text(encoding="utf-8"))
            who = f"process {body['pid']} ({body['command']}) since {body['since']}"
        except (OSError, ValueError, KeyError):
            who = "another process"
        return f"The collection {self._file.parent.name} is being written by {who}."


def _self_description() -> bytes:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_COMMAND_LENGTH]
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return json.dumps({"pid": os.getpid(), "command": command, "since": since}).encode()
