"""Takes an archive in as a new collection, wherever that is kept; nothing is embedded again."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge_base.errors import InputError, ModelError
from knowledge_base.values import Document
from retrieval.archive.checked import CheckedArchive, opened
from retrieval.archive.layout import Manifest, OnStep, damaged, quietly
from retrieval.collections import Chunking, Collections, WritableIndex, content_of
from retrieval.values import TextKind, Vectors

# Passages that are stored together.
_WINDOW = 500


class ArchivedVectors:
    """Stands in for the embedder that made a collection: gives the vectors that it gave then."""

    def __init__(self, manifest: Manifest) -> None:
        self.id = manifest.embedder
        self.digest = manifest.digest
        self.dimension = manifest.dimension
        self.max_tokens = 0
        self._rows: dict[str, Vectors] = {}

    def offer(self, documents: Sequence[Document], vectors: Vectors) -> None:
        """Know the vectors of these documents' passages, and of no others; one row for each passage."""
        passages = [passage for document in documents for passage in document.passages]
        contents = [content_of(passage.indexed_text) for passage in passages]
        self._rows = dict(zip(contents, vectors, strict=True))

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """The archived vectors of texts that were offered; ModelError for anything else."""
        try:
            return np.stack([self._rows[content_of(text)] for text in texts])
        except KeyError:
            raise ModelError(
                f"An archive has no vectors for a new {kind}.", "Open the collection with its embedder."
            ) from None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Nothing is cut here, so nothing is counted."""
        return [0 for _ in texts]


def import_collection(
    collections: Collections, file: Path, name: str | None = None, told: OnStep = quietly
) -> Manifest:
    """Make a collection of an archive, under the name it had or another; returns what it holds.

    The archive is checked from end to end first. The collection is filled in one step at the end; if
    anything fails, there is none.

    Raises:
        InputError: the archive is damaged, or there is a collection of that name.
        MismatchError: a newer program wrote the archive.
    """
    with opened(file, told) as archive, tempfile.TemporaryDirectory() as folder:
        wanted = archive.manifest.collection if name is None else name
        if collections.exists(wanted):
            raise InputError(
                f"There is a collection {wanted} already.",
                "Import under another name with --as, or delete it.",
            )
        vectors = archive.vectors(Path(folder))
        _fill(collections, wanted, archive, vectors, told)
        return archive.manifest


def _fill(
    collections: Collections, name: str, archive: CheckedArchive, vectors: Vectors, told: OnStep
) -> None:
    manifest = archive.manifest
    embedder = ArchivedVectors(manifest)
    chunking: Chunking | None = json.loads(manifest.chunking) if manifest.chunking else None
    collections.create(name, embedder, chunking).close()
    try:
        with collections.rebuilding(name, embedder, chunking) as index:
            _store(index, archive, embedder, vectors, told)
            archive.copy_uploads(collections.uploads_folder(name))
    except BaseException:
        collections.delete(name)
        raise


def _store(
    index: WritableIndex, archive: CheckedArchive, embedder: ArchivedVectors, vectors: Vectors, told: OnStep
) -> None:
    window: list[Document] = []
    stored = 0

    def flush() -> None:
        nonlocal stored
        rows = sum(len(document.passages) for document in window)
        if stored + rows > len(vectors):
            raise damaged("it has more passages than vectors")
        embedder.offer(window, vectors[stored : stored + rows])
        index.add(window)
        stored += rows
        window.clear()

    for done, document in enumerate(archive.documents()):
        told("Storing", done, archive.manifest.documents)
        window.append(document)
        if sum(len(waiting.passages) for waiting in window) >= _WINDOW:
            flush()
    flush()
    if stored != len(vectors):
        raise damaged("it has more vectors than passages")
