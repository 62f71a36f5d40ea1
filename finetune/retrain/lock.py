"""One retraining at a time per home: a lock that ends with its process and names the run that holds it."""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from knowledge_base.errors import BusyError
from retrieval.storage import translate_errors

_POLL_SECONDS = 0.02
_BYTES = 1024
# Who looks whether the lock is held holds it for an instant.
_LOOKED_AT_SECONDS = 1.0
_END_SECONDS = 10.0
# The time at which a process began is computed from the clock, which may be set.
_SAME_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose lock it is: a run, and the process that works on it with the time at which that began."""

    run: str
    pid: int
    began: float


class RunLock:
    """`flock` on a file of the home, which a child process can inherit without letting go in between.

    The kernel releases it when the last process that has it is gone, however that came; the text in the file
    only says who that is.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def take(self, run_id: str) -> int:
        """Hold the lock for a run by the descriptor that is returned, until that is closed everywhere.

        Until it is handed to a process nobody can end it. Raises BusyError that names the run that holds it,
        StorageError if the file cannot be written.
        """
        with translate_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._wait(descriptor)
                self._write(descriptor, Holder(run_id, 0, 0.0))
            except BaseException:
                os.close(descriptor)
                raise
        return descriptor

    def hand_over(self, descriptor: int, run_id: str, pid: int) -> None:
        """Write down which process works on the run; it must have the descriptor too."""
        with translate_errors(self._file):
            self._write(descriptor, Holder(run_id, pid, psutil.Process(pid).create_time()))

    def holder(self) -> Holder | None:
        """Who holds it, None if nobody does; a run "" has only just taken it."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _told(os.pread(descriptor, _BYTES, 0))
        finally:
            os.close(descriptor)
        return None

    def end(self, run_id: str) -> None:
        """End the process that holds it for this run, and wait until it is gone."""
        deadline = time.monotonic() + _END_SECONDS
        while (holder := self.holder()) and holder.run == run_id:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(holder.pid)
                # … and not another one that was given its number meanwhile.
                if abs(process.create_time() - holder.began) < _SAME_SECONDS:
                    process.kill() if time.monotonic() > deadline else process.terminate()
            time.sleep(_POLL_SECONDS)

    def _write(self, descriptor: int, holder: Holder) -> None:
        # In one piece and always as long, so that nobody reads the half of it.
        os.pwrite(descriptor, json.dumps(asdict(holder)).encode().ljust(_BYTES), 0)

    def _wait(self, descriptor: int) -> None:
        deadline = time.monotonic() + _LOOKED_AT_SECONDS
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if (holder := self.holder()) or time.monotonic() > deadline:
                    raise _busy(holder) from None
            time.sleep(_POLL_SECONDS)


def _told(body: bytes) -> Holder:
    try:
        return Holder(**json.loads(body))
    except (ValueError, TypeError):
        return Holder("", 0, 0.0)


def _busy(holder: Holder | None) -> BusyError:
    name = holder.run if holder else ""
    return BusyError(
        f"A retraining is already running in this home{f': {name}' if name else ''}.",
        "Wait until it has finished, or stop it; it can be continued later.",
    )
