"""Collections by name: what is known of one, and the Protocol that each backend fulfils."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol

import numpy as np

from knowledge_base.errors import InputError, MismatchError, ModelError, NotFoundError
from knowledge_base.values import CatalogueEntry, Document, digest_of
from retrieval.values import Embedder, Index, TextKind, Vectors

Chunking = Mapping[str, int | float | str]
OnWait = Callable[[str], None]

_LONGEST_NAME = 64
_NAME = re.compile(r"\w[\w.-]*")


def ignore_wait(_message: str) -> None:
    """The `OnWait` of work that does not say why it waits."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a collection was made with; `chunking` is JSON, "" while nobody has said."""

    embedder: str
    digest: str
    dimension: int
    chunking: str

    @property
    def chunk_tokens(self) -> int:
        """How long passages may be, 0 while nobody has said."""
        return int(self._chunking.get("tokens", 0))

    @property
    def reading(self) -> int:
        """The version of loaders and chunking that read it, 0 while nobody has said."""
        return int(self._chunking.get("version", 0))

    @property
    def _chunking(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.chunking or "{}")
        return found


@dataclass(frozen=True, slots=True)
class Stats:
    """What a collection holds; `stored_bytes` is what it takes where it is kept, without uploaded files."""

    documents: int
    passages: int
    vectors: int
    revision: int
    fingerprint: Fingerprint
    stored_bytes: int


class WritableIndex(Index, Protocol):
    """An index that one writer at a time holds for a run of changes."""

    def writing(
        self, wait_seconds: float = ..., on_wait: OnWait = ignore_wait
    ) -> AbstractContextManager[None]:
        """Hold the collection during the block; BusyError, naming the holder, if another one still does."""
        ...

    def compact(self) -> None:
        """Forget what nobody needs any more; called at the end of a synchronisation."""
        ...


class CollectionSnapshot(Protocol):
    """One unchanging state of a collection, read without an embedder."""

    @property
    def revision(self) -> int:
        """The state's revision."""
        ...

    @property
    def fingerprint(self) -> Fingerprint:
        """What the collection was made with."""
        ...

    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """Every document by its path, in the order of paths."""
        ...

    def document(self, path: str) -> Document | None:
        """One document with text and passages, or None."""
        ...

    def everything(self) -> Iterator[tuple[Document, Vectors]]:
        """Every document in the order of paths, with the vectors [passages, dimension] of its passages."""
        ...


class Collections(Protocol):
    """Where collections are kept: in a folder, or in a cluster."""

    def names(self) -> list[str]:
        """The names of all collections, sorted."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a collection of that name."""
        ...

    def stats(self, name: str) -> Stats:
        """What a collection holds; NotFoundError if there is none of that name."""
        ...

    def reading(self, name: str) -> AbstractContextManager[CollectionSnapshot]:
        """One state of a collection; NotFoundError if there is none of that name."""
        ...

    def create(self, name: str, embedder: Embedder, chunking: Chunking | None = None) -> WritableIndex:
        """A collection, made if it is not there yet; MismatchError if it was made otherwise."""
        ...

    def delete(self, name: str) -> None:
        """Remove a collection with its uploads; NotFoundError, or BusyError while somebody writes it."""
        ...

    def rebuilding(
        self, name: str, embedder: Embedder, chunking: Chunking | None = None
    ) -> AbstractContextManager[WritableIndex]:
        """An empty index whose contents take the place of the collection's when the block has succeeded."""
        ...

    def uploads_folder(self, name: str) -> Path:
        """Where the files given to a collection through the page are kept."""
        ...


def check_name(name: str) -> str:
    """`name`, if a collection may be called so; InputError otherwise.

    Letters of any script, digits, "-", "_" and "."; it begins with a letter, digit or "_".
    """
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name) or not unicodedata.is_normalized("NFC", name):
        raise InputError(
            f"{name[: _LONGEST_NAME + 1]!r} cannot be the name of a collection.",
            f"Use up to {_LONGEST_NAME} letters, digits, '-', '_' and '.'; begin with a letter or digit.",
        )
    return name


def fingerprint_of(embedder: Embedder, chunking: Chunking | None) -> Fingerprint:
    """What is written down of an embedder and of chunking settings."""
    settings = json.dumps(dict(chunking), sort_keys=True) if chunking else ""
    return Fingerprint(embedder.id, embedder.digest, embedder.dimension, settings)


def require_same(name: str, written: Fingerprint, asked: Fingerprint) -> None:
    """MismatchError, with the repair, if a collection was made with something else than is asked for."""
    repair = f"Use what it was made with, or rebuild it: domainqa ingest --collection {name} --rebuild"
    if (written.digest, written.dimension) != (asked.digest, asked.dimension):
        raise MismatchError(
            f"The collection {name} was made with the embedder {_embedder(written)}, not {_embedder(asked)}.",
            repair,
        )
    then, now = written.chunk_tokens, asked.chunk_tokens
    if then and now and then != now:
        raise MismatchError(
            f"The passages of the collection {name} have up to {then} tokens, not {now}.", repair
        )


def require_document(found: Document | None, path: str, collection: str) -> Document:
    """The document that was looked for; NotFoundError if there is none."""
    if found is None:
        raise NotFoundError(
            f"There is no document {path} in the collection {collection}.",
            "See `domainqa documents list` for those that are.",
        )
    return found


def embed_texts(embedder: Embedder, texts: Sequence[str], kind: TextKind) -> Vectors:
    """Vectors of shape [len(texts), dimension], contiguous; ModelError if the model gave anything else."""
    vectors = embedder.embed(texts, kind)
    if vectors.shape != (len(texts), embedder.dimension) or not np.isfinite(vectors).all():
        raise ModelError(
            f"The embedder {embedder.id} gave unusable vectors of shape {vectors.shape}.",
            "Check the model with `domainqa doctor`.",
        )
    return np.ascontiguousarray(vectors, dtype=np.float32)


def texts_by_content(documents: Sequence[Document]) -> dict[str, str]:
    """The text that is indexed of every passage, by its content hash."""
    return {
        content_of(text): text
        for text in (passage.indexed_text for document in documents for passage in document.passages)
    }


def content_of(indexed_text: str) -> str:
    """The content hash by which the vector of a text is kept."""
    return digest_of(indexed_text.encode())


@cache
def program_version() -> str:
    """Version of the installed program, written beside what it made."""
    try:
        return version("domainqa")
    except PackageNotFoundError:
        return "unknown"


def _embedder(fingerprint: Fingerprint) -> str:
    return f"{fingerprint.embedder} ({fingerprint.dimension} dimensions, digest {fingerprint.digest[:12]})"
