"""What dense and lexical projection share: caught up from the database, saved, rebuilt when damaged."""

import json
import shutil
import threading
import uuid
import zlib
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from retrieval.embedded.snapshot import Snapshot
from retrieval.storage import translate_errors

MARKER = "marker.json"
_BLOCK = 1 << 20

Found = list[tuple[int, float]]  # row ids with their scores, best first


@dataclass(frozen=True, slots=True)
class Marker:
    """The checkpoint that saved files hold, written after them: files without their marker are not used.

    `made_with` names what else they depend on; `checksums` are the CRC-32 of the files by name.
    """

    identity: str
    made_with: str
    revision: int
    rows: int
    checksums: dict[str, int]


class Projection(ABC):
    """What is found in a collection, by row id: made of the database, and only of it.

    It is in this process's own memory or private files, so that nobody else can damage it while it is used.
    The saved files spare the next process the work; if anything is wrong with them, it is rebuilt.

    Call everything with `lock` held, and take the snapshot with it held too: then a projection is never ahead
    of its snapshot.
    """

    # It is saved when this many rows have changed since, and this share of all.
    save_rows = 2_000
    save_share = 0.1

    def __init__(self, folder: Path, name: str, made_with: str) -> None:
        self.lock = threading.Lock()
        self._saved = folder / name
        self._made_with = made_with
        self._identity = ""
        self._revision = 0
        self._changed = 0
        self.holds_removed = False

    def catch_up(self, snapshot: Snapshot) -> None:
        """Take over what the snapshot has and this has not."""
        if not self._identity:
            self._load(snapshot)
        elif snapshot.revision == self._revision:
            return
        if snapshot.revision < self._revision:  # a backup of the database was put back
            self._reset()
        try:
            self._take(snapshot)
            if self._rows() != snapshot.passage_count():  # files of another history
                self._reset()
                self._take(snapshot)
        except BaseException:
            self._reset()  # half caught up: begin again from the database
            raise

    @property
    def is_worth_saving(self) -> bool:
        """Whether so much has changed since it was saved that reading it again would help little."""
        return self._changed >= max(self.save_rows, self.save_share * self._rows())

    def forget_saved(self) -> None:
        """Delete the saved files: what was removed since is still in them. StorageError if that fails."""
        with translate_errors(self._saved):
            if self._saved.exists():
                shutil.rmtree(self._saved)

    def renew(self, snapshot: Snapshot) -> None:
        """Make it anew from the database, so that nothing of what was removed is left in it."""
        self._reset()
        self._take(snapshot)

    def save(self) -> None:
        """Write the files, then their marker, and put them in the place of the old ones.

        The writer lock is held too. Raises StorageError.
        """
        self._changed = 0  # if it fails now, not again before as much has changed
        with translate_errors(self._saved):
            for left in self._saved.parent.glob(f".{self._saved.name}-*"):  # of killed processes
                shutil.rmtree(left, ignore_errors=True)
            fresh, old = (self._saved.with_name(f".{self._saved.name}-{uuid.uuid4().hex}") for _ in range(2))
            fresh.mkdir()
            try:
                self._write(fresh)
                checksums = {file.name: checksum(file) for file in sorted(fresh.iterdir())}
                marker = Marker(self._identity, self._made_with, self._revision, self._rows(), checksums)
                (fresh / MARKER).write_text(json.dumps(asdict(marker)), encoding="utf-8")
                if self._saved.exists():
                    self._saved.rename(old)
                fresh.rename(self._saved)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
                shutil.rmtree(old, ignore_errors=True)
                old.unlink(missing_ok=True)  # somebody put a file there

    def close(self) -> None:
        """Release what is private to this process."""
        self._clear()

    def _load(self, snapshot: Snapshot) -> None:
        """The saved files if they are ours and undamaged, else nothing, to be filled from the database."""
        self._reset()
        self._identity = snapshot.identity
        try:
            marker = Marker(**json.loads((self._saved / MARKER).read_text(encoding="utf-8")))
            is_ours = (marker.identity, marker.made_with) == (snapshot.identity, self._made_with)
            if is_ours and marker.revision <= snapshot.revision and self._read(self._saved, marker.checksums):
                self._revision = marker.revision
        except (OSError, ValueError, TypeError, KeyError, RuntimeError):  # missing or damaged, in any way
            self._clear()

    def _take(self, snapshot: Snapshot) -> None:
        if self._revision == snapshot.revision:  # a saved file that is up to date
            return
        self.holds_removed |= bool(self._revision and snapshot.removed_after(self._revision))
        self._changed += self._apply(snapshot, self._revision)
        self._revision = snapshot.revision

    def _reset(self) -> None:
        self._clear()
        self.holds_removed = False
        self._revision = 0
        self._changed = 0

    @abstractmethod
    def _read(self, saved: Path, checksums: dict[str, int]) -> bool:
        """Take over saved files; False, or an error, if they are damaged."""

    @abstractmethod
    def _write(self, fresh: Path) -> None:
        """Write files into an empty folder."""

    @abstractmethod
    def _apply(self, snapshot: Snapshot, after: int) -> int:
        """Take over what was removed and added after a revision; returns how many rows that were."""

    @abstractmethod
    def _clear(self) -> None:
        """Hold nothing."""

    @abstractmethod
    def _rows(self) -> int:
        """How many passages it holds."""


def checksum(file: Path, copy: BinaryIO | None = None) -> int:
    """CRC-32 of a file's content, which is written to `copy` meanwhile."""
    value = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            value = zlib.crc32(block, value)
            if copy is not None:
                copy.write(block)
    return value
