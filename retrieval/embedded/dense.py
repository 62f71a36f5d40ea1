"""The dense projection: the vectors of a collection in FAISS, in memory, caught up from the database.

The saved file spares reading every vector from the database when a large collection is opened. It is
exact search: at a hundred thousand passages one question takes milliseconds.
"""

import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import faiss
import numpy as np

from knowledge_base.errors import StorageError
from retrieval.embedded.checksums import file_checksum
from retrieval.embedded.snapshot import Mask, Snapshot
from retrieval.storage import translate_errors
from retrieval.values import Vectors

Found = list[tuple[int, float]]

FILE_NAME = "dense.faiss"
STAMP_NAME = "dense.json"

_SAVE_ROWS = 2_000
_SAVE_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What a saved file holds; written after it, so that a file without its stamp is never believed."""

    identity: str
    dimension: int
    revision: int
    rows: int
    checksum: int


class DenseProjection:
    """Vectors by row id.

    Call everything with `lock` held: FAISS must not change under a reader. Take the snapshot with it held
    too, then the projection is never ahead of the snapshot.
    """

    def __init__(self, folder: Path, dimension: int) -> None:
        self._file = folder / FILE_NAME
        self._stamp_file = folder / STAMP_NAME
        self._dimension = dimension
        self.lock = threading.Lock()
        self._index = _empty(dimension)
        self._is_loaded = False
        self._identity = ""
        self._revision = 0
        self._changed = 0

    def catch_up(self, snapshot: Snapshot) -> None:
        """Take over what the snapshot has and this has not."""
        if not self._is_loaded:
            self._load(snapshot)
        elif snapshot.revision == self._revision:
            return
        try:
            self._apply(snapshot)
        except BaseException:
            self._reset()  # half caught up: begin again from the database
            raise
        if self._index.ntotal != snapshot.passage_count():  # a saved file of another history
            self._reset()
            self._apply(snapshot)

    @property
    def is_worth_saving(self) -> bool:
        """Whether so much has changed since the saved file that reading it again would help little."""
        return self._changed >= max(_SAVE_ROWS, _SAVE_SHARE * self._index.ntotal)

    def save(self) -> None:
        """Write the file, then its stamp; the writer lock is held too. Raises StorageError."""
        with translate_errors(self._file):
            self._changed = 0  # if it fails now, not again before as much has changed
            fresh = self._file.with_suffix(".new")
            try:
                faiss.write_index(self._index, str(fresh))
            except RuntimeError as error:
                fresh.unlink(missing_ok=True)
                raise StorageError(
                    f"{self._file} cannot be written ({error}).",
                    "Free some disk space; the file is made again from the database.",
                ) from error
            stamp = _Stamp(
                self._identity, self._dimension, self._revision, self._index.ntotal, file_checksum(fresh)
            )
            os.replace(fresh, self._file)
            _write_stamp(self._stamp_file, stamp)

    def search(self, queries: Vectors, depth: int, allowed: Mask | None) -> list[Found]:
        """For each query [dimension] the best row ids with their cosine, among those `allowed` if given."""
        if self._index.ntotal == 0:
            return [[] for _ in queries]
        # FAISS shares work by queries: for one, a second thread only waits and takes a core meanwhile.
        faiss.omp_set_num_threads(min(len(queries), os.cpu_count() or 1))
        scores, ids = self._index.search(queries, min(depth, self._index.ntotal), params=_selector(allowed))
        return [_ranked(*found) for found in zip(ids.tolist(), scores.tolist(), strict=True)]

    def _load(self, snapshot: Snapshot) -> None:
        """The saved file if it is ours and undamaged, else nothing, to be filled from the database."""
        self._identity = snapshot.identity
        stamp = _read_stamp(self._stamp_file)
        if stamp is not None and self._is_ours(stamp, snapshot):
            self._index = cast(faiss.IndexIDMap2, faiss.read_index(str(self._file)))
            self._revision = stamp.revision
        self._is_loaded = True

    def _is_ours(self, stamp: _Stamp, snapshot: Snapshot) -> bool:
        same = (stamp.identity, stamp.dimension) == (snapshot.identity, self._dimension)
        try:
            return (
                same and stamp.revision <= snapshot.revision and stamp.checksum == file_checksum(self._file)
            )
        except OSError:
            return False

    def _apply(self, snapshot: Snapshot) -> None:
        if self._revision and (removed := snapshot.removed_after(self._revision)):
            self._changed += self._index.remove_ids(faiss.IDSelectorBatch(np.array(removed, dtype=np.int64)))
        for rows, vectors in snapshot.vectors_after(self._revision):
            self._index.add_with_ids(vectors, rows)
            self._changed += len(rows)
        self._revision = snapshot.revision

    def _reset(self) -> None:
        self._index = _empty(self._dimension)
        self._revision = 0
        self._changed = 0


def _empty(dimension: int) -> faiss.IndexIDMap2:
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))


def _selector(allowed: Mask | None) -> faiss.SearchParameters | None:
    if allowed is None:
        return None
    bits = np.packbits(allowed, bitorder="little")
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[arg-type, call-arg]
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]


def _ranked(rows: list[int], scores: list[float]) -> Found:
    """Best first, equal scores by row; FAISS fills up with row -1 where it found too few."""
    found = [(row, score) for row, score in zip(rows, scores, strict=True) if row >= 0]
    return sorted(found, key=lambda hit: (-hit[1], hit[0]))


def _read_stamp(file: Path) -> _Stamp | None:
    try:
        return _Stamp(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_stamp(file: Path, stamp: _Stamp) -> None:
    fresh = file.with_suffix(".new.json")
    fresh.write_text(json.dumps(asdict(stamp)), encoding="utf-8")
    os.replace(fresh, file)
