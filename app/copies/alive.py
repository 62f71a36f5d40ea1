"""Which copies of the server run: each holds a lock in the home that ends with its process."""

import uuid
from pathlib import Path

from filelock import FileLock, Timeout

from retrieval.storage import translate_errors

_FOLDER = "copies"


class Copy:
    """This copy, from now until it is closed or its process ends; StorageError if it cannot be told."""

    def __init__(self, home: Path) -> None:
        self.id = uuid.uuid4().hex
        self._file = _file_of(home, self.id)
        with translate_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Held by the process, not by a thread: whoever asks in another thread must find it held.
            self._lock = FileLock(self._file, thread_local=False)
            self._lock.acquire(timeout=0)

    def close(self) -> None:
        """Tell the others that it has ended."""
        self._lock.release()
        self._file.unlink(missing_ok=True)


def is_alive(home: Path, copy_id: str) -> bool:
    """Whether that copy still runs."""
    file = _file_of(home, copy_id)
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            file.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def _file_of(home: Path, copy_id: str) -> Path:
    return home / _FOLDER / f"{copy_id}.lock"
