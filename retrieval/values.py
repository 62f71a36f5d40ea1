"""What search gives and takes: filters, hits, and the two seams `Embedder` and `Index`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import InputError
from knowledge_base.values import Document, Passage, PassageStore

Vectors = NDArray[np.float32]
TextKind = Literal["query", "passage"]

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Filter:
    """Limits a search to some documents; an empty field sets no limit.

    `folder` is a path prefix without a trailing slash, `formats` are suffixes without a dot, `after` and
    `before` are inclusive dates (YYYY-MM-DD) of the file's modification.
    """

    documents: frozenset[str] = frozenset()
    folder: str = ""
    formats: frozenset[str] = frozenset()
    after: str = ""
    before: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited."""
        return self == NO_FILTER


NO_FILTER = Filter()


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that one retriever found, with its score (dense: cosine; lexical: BM25)."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """What each retriever found for one question, best first, and the revision that they read."""

    dense: tuple[Hit, ...]
    lexical: tuple[Hit, ...]
    revision: int


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def id(self) -> str:
        """The model's name, stored with every collection that it made."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the model's weights: two embedders with the same digest give the same vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens the model reads at most, special tokens and prefix included."""
        ...

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """Vectors of shape [len(texts), dimension], float32, each row of length one."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, special tokens and prefix included."""
        ...


class Index(PassageStore, Protocol):
    """The passages of one collection: stored, removed and searched."""

    @property
    def revision(self) -> int:
        """Grows with every change of the collection, whoever made it."""
        ...

    def search(self, questions: Sequence[str], depth: int, limit: Filter = NO_FILTER) -> list[Candidates]:
        """For each question the best `depth` passages of each retriever, under the same filter."""
        ...

    def document(self, path: str) -> Document:
        """One document with its text and passages; NotFoundError if it is not there."""
        ...

    def close(self) -> None:
        """Write what is pending and release files; the index cannot be used afterwards."""
        ...


def day_of(date: str) -> int:
    """A date as a number that sorts the same: `2026-01-31` as 20260131. InputError if it is none."""
    if not _DATE.fullmatch(date):
        raise InputError(f"{date!r} is not a date.", "Write it as YYYY-MM-DD.")
    return int(date.replace("-", ""))
