"""One writer at a time per collection: a lock that ends with its process, and a file naming the holder."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from knowledge_base.errors import BusyError, StorageError
from retrieval.collections import OnWait, ignore_wait
from retrieval.storage import translate_errors

_COMMAND_LENGTH = 120


class WriterLock:
    """Re-entrant in a thread, exclusive between threads and processes; freed when a process ends."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._holder_file = file.with_name(f"{file.name}.json")
        self._lock = FileLock(file, mode=0o644)

    @contextmanager
    def acquire(self, wait_seconds: float = 0.0, on_wait: OnWait = ignore_wait) -> Iterator[None]:
        """Hold the lock during the block.

        Args:
            wait_seconds: how long to wait for another holder.
            on_wait: called once, with a sentence that names the holder, if there is waiting to do.

        Raises:
            BusyError: somebody else still holds it after that time; names process, command and since when.
            StorageError: the lock file cannot be written.
        """
        if not self._take(0.0):
            if wait_seconds:
                on_wait(f"{self._holder()} Waiting for it to finish.")
            if not self._take(wait_seconds):
                raise BusyError(self._holder(), "Wait until it has finished, then run the command again.")
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def acquire_if_free(self) -> Iterator[bool]:
        """Hold the lock during the block if it is free and can be written; yields whether it is held."""
        held = False
        with suppress(StorageError):
            held = self._take(0.0)
        try:
            yield held
        finally:
            if held:
                self._lock.release()

    def _take(self, wait_seconds: float) -> bool:
        with translate_errors(self._file):
            try:
                self._lock.acquire(timeout=wait_seconds)
            except Timeout:
                return False
            command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_COMMAND_LENGTH]
            since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            holder = {"pid": os.getpid(), "command": command, "since": since}
            with suppress(OSError):  # a full disk: the lock itself needs no room
                self._holder_file.write_text(json.dumps(holder), encoding="utf-8")
        return True

    def _holder(self) -> str:
        try:
            body = json.loads(self._holder_file.read_text(encoding="utf-8"))
            who = f"process {body['pid']} ({body['command']}) since {body['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            who = "another process"
        return f"The collection {self._file.parent.name} is being written by {who}."
