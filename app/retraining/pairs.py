"""The question–answer pairs of each collection: checked when they are imported, kept as files of the home."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from app.retraining.files import GENERATED, files_of
from app.retraining.sources import Source, source_of, together
from app.settings import Settings
from finetune.pairs.check import Checked, CheckSettings, check_pairs
from finetune.pairs.formats import read_pairs, write_pairs
from finetune.pairs.values import Dropped, Pair, Task
from finetune.retrain.folder import RunFolder
from finetune.retrain.values import Given
from knowledge_base.errors import InputError, NotFoundError
from knowledge_base.values import CatalogueEntry, Document, Passage, file_digest
from retrieval.retriever import Retrieval
from retrieval.storage import translate_errors

_UNUSUAL = re.compile(r"[^\w.-]+")


class Collections(Protocol):
    """What pairs are checked against: a workspace."""

    @property
    def settings(self) -> Settings:
        """How it searches."""
        ...

    def documents(self, collection: str) -> Sequence[CatalogueEntry]:
        """Every document of a collection; NotFoundError if there is no such collection."""
        ...

    def document(self, collection: str, path: str) -> Document:
        """One document with its text."""
        ...

    def search(self, questions: Sequence[str], collection: str, *, k: int | None = None) -> list[Retrieval]:
        """The best passages for each question."""
        ...


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of pairs of a collection; `digest` is its SHA-256, `source` where it was imported from."""

    name: str
    pairs: int
    tasks: int
    licence: str
    source: str
    imported: str
    digest: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an import: the file as it is stored now, and every pair that was dropped and why."""

    file: StoredFile
    dropped: tuple[Dropped, ...]


# `list` is a method below, and there the type would be taken for it.
StoredFiles = list[StoredFile]


class PairStore:
    """Pairs of the collections of one home, as HOME/pairs/COLLECTION/NAME.jsonl and what is known of each."""

    def __init__(self, home: Path, collections: Collections) -> None:
        self.folder = home / "pairs"
        self._collections = collections

    def import_file(self, collection: str, path: Path, licence: str = "", as_pairs: bool = False) -> Summary:
        """Read a file, check it against the collection's documents, and store what can be used.

        An import under the same name replaces the one before. See `read_pairs` for `as_pairs`.

        Raises:
            InputError: the file cannot be read, or nothing in it can be used; the first reason is told.
            NotFoundError: there is no such collection.
            StorageError: it cannot be written; what was stored before is still there.
        """
        name = _name_of(path)
        read = read_pairs(path, as_pairs)
        checked = self.check(collection, read.pairs)
        dropped = (*read.dropped, *checked.dropped)
        kept: tuple[Pair | Task, ...] = (*checked.kept, *read.tasks)
        if not kept:
            raise _nothing_kept(path, dropped)
        return Summary(self.store(collection, name, kept, str(path.absolute()), licence), dropped)

    def check(self, collection: str, pairs: Sequence[Pair], settings: CheckSettings | None = None) -> Checked:
        """Which pairs can be used with the collection's documents, and why others cannot; see `check_pairs`.

        A pair without evidence is given the passage that is found for it.
        """
        most = self._collections.settings.read_k

        def find(question: str) -> tuple[Passage, ...]:
            (found,) = self._collections.search([question], collection, k=most)
            return tuple(entry.passage for entry in found.ranked)

        return check_pairs(pairs, settings, self.texts(collection), find)

    def texts(self, collection: str) -> Mapping[str, str]:
        """The text of every document of a collection by its path; NotFoundError if there is none."""
        paths = [entry.path for entry in self._collections.documents(collection)]
        return {path: self._collections.document(collection, path).text for path in paths}

    def store(
        self, collection: str, name: str, items: Sequence[Pair | Task], source: str, licence: str = ""
    ) -> StoredFile:
        """Keep checked pairs and tasks under a name, in place of what was there, or raise StorageError."""
        file = self._file(collection, name)
        with translate_errors(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        write_pairs(items, file)
        with translate_errors(file):
            digest = file_digest(file)
        tasks = sum(isinstance(item, Task) for item in items)
        stored = StoredFile(
            name=name,
            pairs=len(items) - tasks,
            tasks=tasks,
            licence=licence,
            source=source,
            imported=datetime.now(UTC).isoformat(timespec="seconds"),
            digest=digest,
        )
        RunFolder(file.parent).store(name, stored)
        return stored

    def list(self, collection: str) -> StoredFiles:
        """The stored files of a collection, by name."""
        place = self.folder / Path(collection).name
        with translate_errors(place):
            names = sorted(file.stem for file in place.glob("*.jsonl"))
        notes = (RunFolder(place).load(name, StoredFile) for name in names)
        return [note for note in notes if note is not None]

    def remove(self, collection: str, name: str) -> None:
        """Forget a stored file and its page; NotFoundError if there is none of that name."""
        known = [file.name for file in self.list(collection)]
        if name not in known:
            raise NotFoundError(
                f"There are no pairs {name} in the collection {collection}.",
                f"There is: {', '.join(known) or 'none'}.",
            )
        with translate_errors(self.folder):
            self._file(collection, name).unlink(missing_ok=True)
            self._file(collection, name).with_name(f"{name}.html").unlink(missing_ok=True)
        RunFolder(self.folder / collection).remove(name)

    def sources(
        self, collection: str, files: Sequence[Path] = (), stored: Sequence[str] | None = None
    ) -> tuple[Source, ...]:
        """The stored files of these names (all of them if None), and others, each read.

        A folder among `files` means the files of pairs in it. Raises InputError for what cannot be read.
        """
        kept = [file for file in self.list(collection) if stored is None or file.name in stored]
        return (
            *(source_of(self._file(collection, one.name), one.source, one.licence) for one in kept),
            *(source_of(file) for file in files_of(files)),
        )

    def given(self, collection: str, files: Sequence[Path] = ()) -> Given:
        """What a retraining starts from: the stored pairs and those of `files`; see `sources`."""
        return together(self.sources(collection, files))

    def _file(self, collection: str, name: str) -> Path:
        return self.folder / collection / f"{name}.jsonl"


def _name_of(path: Path) -> str:
    name = _UNUSUAL.sub("-", path.stem).strip("-.") or "pairs"
    if name == GENERATED:
        raise InputError(
            f"Pairs cannot be imported as {GENERATED}: these are the ones that the model writes.",
            "Give the file another name.",
        )
    return name


def _nothing_kept(path: Path, dropped: Sequence[Dropped]) -> InputError:
    first = dropped[0]
    line, why = first.origin.removeprefix(f"{path.name}:"), first.reason.rstrip(".")
    return InputError(
        f"None of the {len(dropped)} pairs of {path.name} can be used. The first ({line}): {why}.",
        "Mend them; `domainqa pairs check` lists what is wrong with each.",
    )
