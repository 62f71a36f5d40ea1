"""Where uploads lie until they are ingested: in the home, private, and no more than there is room for.

Web libraries put what they receive into the folder for temporary files, which others share and which may be
part of the memory. While a server runs, that folder is one of its own within the home.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.replicas import Replica, is_alive
from knowledge_base.errors import BusyError, StorageError

INCOMING = "incoming"  # files of jobs that wait
_SPOOL = "spool"
_MEGABYTE = 1024 * 1024


class Spool:
    """The uploads of one home that are not ingested yet; safe for many threads.

    Args:
        home: whose uploads they are.
        megabytes: how much they may take, all together.
    """

    def __init__(self, home: Path, megabytes: int) -> None:
        self._folders = (home / INCOMING, home / _SPOOL)
        self._most = megabytes * _MEGABYTE
        self._reserved = 0
        self._lock = threading.Lock()

    def reserve(self, size: int) -> None:
        """Set room aside for an upload; BusyError while there is too little."""
        with self._lock:
            if self._reserved + size + sum(map(_size_of, self._folders)) > self._most:
                raise BusyError(
                    f"Waiting uploads may take {self._most // _MEGABYTE:,} MB; there is no room for this.",
                    "Send it again when they are ingested, or raise max_waiting_megabytes.",
                )
            self._reserved += size

    def release(self, size: int) -> None:
        """The upload is on the disk, or was given up."""
        with self._lock:
            self._reserved -= size


@contextmanager
def spooling(home: Path) -> Iterator[Path]:
    """A private folder of the home that holds all temporary files, and goes with the block.

    Folders of servers that were killed go first. Where the home cannot be written, nothing can be uploaded,
    and the system's own folder does for the rest.
    """
    with ExitStack() as stack:
        try:
            folder = _made(home, stack)
        except (OSError, StorageError):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="domainqa-")))
        before = tempfile.tempdir
        os.environ["GRADIO_TEMP_DIR"] = tempfile.tempdir = str(folder)  # Gradio reads the environment only
        try:
            yield folder
        finally:
            if tempfile.tempdir == str(folder):
                tempfile.tempdir = before if before and Path(before).is_dir() else None


def _made(home: Path, stack: ExitStack) -> Path:
    for left in (home / _SPOOL).glob("*"):
        if not is_alive(home, left.name):
            shutil.rmtree(left, ignore_errors=True)
    replica = Replica(home)
    stack.callback(replica.close)
    folder = home / _SPOOL / replica.id
    folder.mkdir(parents=True, mode=0o700)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _size_of(folder: Path) -> int:
    size = 0
    for place, _, files in os.walk(folder):
        for file in files:
            with suppress(OSError):  # ingested meanwhile
                size += (Path(place) / file).lstat().st_size
    return size
