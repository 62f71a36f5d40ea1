"""The question–answer pairs of each collection: checked when they are imported, kept as files of the home."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from finetune.corpus import Corpus
from finetune.files import ResultFolder
from finetune.pairs.check import Checked, check_pairs
from finetune.pairs.formats import read_pairs, write_pairs
from finetune.pairs.values import Dropped, Pair, Task
from finetune.registry.manifest import Data
from finetune.report.words import sentence_of
from finetune.settings import CheckSettings
from knowledge_base.errors import InputError, NotFoundError
from knowledge_base.values import file_digest
from retrieval.prompt import Language
from retrieval.storage import translate_errors

Item = TypeVar("Item", Pair, Task)

# The stored file that generation adds to.
GENERATED = "generated"
CHECKED = ".check"  # between the name of a page and ".html" where nothing was stored
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv")

_UNUSUAL = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Source:
    """What one file, or the feedback, gave."""

    data: Data
    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...] = ()
    dropped: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """Where a retraining starts: pairs and tasks as they were read, what was dropped, and their sources."""

    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    sources: tuple[Data, ...] = ()


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
    """Pairs of the collections of one home, as COLLECTION/NAME.jsonl in a folder and what is known of each.

    `corpus` opens the collection of a name, which pairs are checked against.
    """

    def __init__(self, folder: Path, corpus: Callable[[str], Corpus]) -> None:
        self.folder = folder
        self._corpus = corpus

    def import_file(self, collection: str, path: Path, licence: str = "", as_pairs: bool = False) -> Summary:
        """Read a file, check it against the collection's documents, and store what can be used.

        An import under the same name replaces the one before. See `read_pairs` for `as_pairs`.

        Raises:
            InputError: the file cannot be read, or nothing in it can be used; the message says why.
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
        corpus = self._corpus(collection)
        return check_pairs(pairs, settings, corpus.texts, corpus.find)

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
        ResultFolder(file.parent).store(name, stored)
        return stored

    def list(self, collection: str) -> StoredFiles:
        """The stored files of a collection, by name."""
        place = self.folder / Path(collection).name
        with translate_errors(place):
            names = sorted(file.stem for file in place.glob("*.jsonl"))
        notes = (ResultFolder(place).load(name, StoredFile) for name in names)
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
        ResultFolder(self.folder / collection).remove(name)

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

    def dataset(self, collection: str, files: Sequence[Path] = ()) -> Dataset:
        """What a retraining starts from: the stored pairs and those of `files`; see `sources`."""
        return together(self.sources(collection, files))

    def write_page(  # noqa: PLR0913, PLR0917 - what became of a file, for whom
        self,
        collection: str,
        name: str,
        kept: tuple[int, int],
        dropped: Sequence[Dropped],
        language: Language = "en",
        suffix: str = "",
    ) -> Path:
        """Write the page of an import, check or generation beside the stored pairs of a collection.

        `kept` are the pairs and tasks kept; the `suffix` CHECKED leaves the page of an import alone.
        Raises StorageError if it cannot be written.
        """
        from finetune.report.builders import pairs_page

        page = pairs_page(name, collection, kept, dropped, language)
        return ResultFolder(self.folder / collection).write(f"{name}{suffix}.html", page)

    def _file(self, collection: str, name: str) -> Path:
        return self.folder / collection / f"{name}.jsonl"


def _name_of(path: Path) -> str:
    name = _UNUSUAL.sub("-", path.stem).strip("-.") or "pairs"
    if name == GENERATED:
        raise InputError(
            f"The name {GENERATED} is reserved for pairs that the model writes.",
            "Give the file another name.",
        )
    return name


def _nothing_kept(path: Path, dropped: Sequence[Dropped]) -> InputError:
    first = dropped[0]
    line, why = first.origin.removeprefix(f"{path.name}:"), sentence_of(first.reason).rstrip(".")
    return InputError(
        f"None of the {len(dropped)} pairs of {path.name} can be used. The first ({line}): {why}.",
        "Correct them; `domainqa pairs check` lists what is wrong with each.",
    )


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant, in order; a folder means those in it whose names end like files of pairs.

    Raises InputError for a path that is not there and for a folder without such files.
    """
    return list(dict.fromkeys(file for path in paths for file in _meant(path)))


def digest_of_files(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of files, in hexadecimal; StorageError if one cannot be read."""
    digest = hashlib.sha256()
    for file in files:
        with translate_errors(file):
            digest.update(f"{file.name}\0{file_digest(file)}\0".encode(errors="replace"))
    return digest.hexdigest()


def _meant(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"There is no file or folder {path}.", "Check the path.")
    found = sorted(file for file in path.iterdir() if file.is_file() and file.suffix.lower() in SUFFIXES)
    if not found:
        endings = ", ".join(SUFFIXES)
        raise InputError(
            f"The folder {path} holds no file of pairs ({endings}).", "Name the files one by one."
        )
    return found


def source_of(file: Path, place: str = "", licence: str = "") -> Source:
    """The pairs and tasks of a file; see `read_pairs` for what is raised. `place` is where it came from."""
    read = read_pairs(file)
    with translate_errors(file):
        digest = file_digest(file)
    data = Data(
        name=file.name,
        digest=digest,
        source=place or str(file),
        licence=licence,
        pairs=len(read.pairs) + len(read.tasks),
    )
    return Source(data, read.pairs, read.tasks, read.dropped)


def together(sources: Sequence[Source]) -> Dataset:
    """All of them, in their order; an id that was there before gets the source's name before it."""
    used: set[str] = set()
    pairs: list[Pair] = []
    tasks: list[Task] = []
    for source in sources:
        pairs += [_with_own_id(pair, source.data.name, used) for pair in source.pairs]
        tasks += [_with_own_id(task, source.data.name, used) for task in source.tasks]
    return Dataset(
        pairs=tuple(pairs),
        tasks=tuple(tasks),
        dropped=tuple(entry for source in sources for entry in source.dropped),
        sources=tuple(source.data for source in sources),
    )


def _with_own_id(item: Item, name: str, used: set[str]) -> Item:
    unique, number = item.id, 1
    while unique in used:
        unique = f"{name}/{item.id}" if number == 1 else f"{name}/{item.id}#{number}"
        number += 1
    used.add(unique)
    return replace(item, id=unique)
