"""The dense projection: the vectors of a collection in FAISS, in memory.

It is exact search: at a hundred thousand passages one question takes milliseconds.
"""

import os
from pathlib import Path
from typing import cast

import faiss
import numpy as np

from knowledge_base.errors import StorageError
from retrieval.embedded.projection import Found, Projection, checksum
from retrieval.embedded.snapshot import Mask, Snapshot
from retrieval.values import Vectors

FILE_NAME = "vectors.faiss"
# Earlier versions saved under these names.
_FORMER = ("dense.faiss", "dense.json")


class DenseProjection(Projection):
    """Vectors by row id."""

    def __init__(self, folder: Path, dimension: int) -> None:
        super().__init__(folder, "dense", f"{dimension} dimensions")
        self._dimension = dimension
        self._index = self._empty()

    def search(self, queries: Vectors, depth: int, allowed: Mask | None) -> list[Found]:
        """For each query [dimension] the best row ids with their cosine, among those `allowed` if given."""
        if self._index.ntotal == 0:
            return [[] for _ in queries]
        # FAISS shares work by queries: for one, a second thread only waits and takes a core meanwhile.
        faiss.omp_set_num_threads(min(len(queries), os.cpu_count() or 1))
        scores, ids = self._index.search(queries, min(depth, self._index.ntotal), params=_selector(allowed))
        return [_ranked(*found) for found in zip(ids.tolist(), scores.tolist(), strict=True)]

    def _read(self, saved: Path, checksums: dict[str, int]) -> bool:
        file = saved / FILE_NAME
        if checksum(file) != checksums[FILE_NAME]:
            return False
        self._index = cast(faiss.IndexIDMap2, faiss.read_index(str(file)))
        return True

    def _write(self, fresh: Path) -> None:
        try:
            faiss.write_index(self._index, str(fresh / FILE_NAME))
        except RuntimeError as error:
            raise StorageError(
                f"{self._saved} cannot be written ({error}).",
                "Free some disk space; the file is rebuilt from the database.",
            ) from error
        for name in _FORMER:
            (self._saved.parent / name).unlink(missing_ok=True)

    def _apply(self, snapshot: Snapshot, after: int) -> int:
        changed = 0
        if after and (removed := snapshot.removed_after(after)):
            changed += self._index.remove_ids(faiss.IDSelectorBatch(np.array(removed, dtype=np.int64)))
        for rows, vectors in snapshot.vectors_after(after):
            self._index.add_with_ids(vectors, rows)
            changed += len(rows)
        return changed

    def _clear(self) -> None:
        self._index = self._empty()

    def _rows(self) -> int:
        return self._index.ntotal

    def _empty(self) -> faiss.IndexIDMap2:
        return faiss.IndexIDMap2(faiss.IndexFlatIP(self._dimension))


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
