"""The home folder: which collections there are, made, opened and deleted by name."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from knowledge_base.errors import MismatchError, NotFoundError, StorageError
from retrieval.collections import Chunking, Stats, check_name, program_version
from retrieval.embedded.index import LOCK_NAME, EmbeddedIndex
from retrieval.embedded.lock import WriterLock
from retrieval.embedded.snapshot import Snapshot
from retrieval.embedded.store import FILE_NAME, Store
from retrieval.storage import translate_errors
from retrieval.values import Embedder

LAYOUT = 1
HOME_FILE = "home.json"
COLLECTIONS = "collections"
UPLOADS = "uploads"

_DELETED = ".deleted-"
_REBUILD = "rebuild"


class Home:
    """The folder that holds everything: `home.json` and `collections/NAME/`.

    Raises:
        MismatchError: a newer program laid it out.
        StorageError: it cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with translate_errors(folder):
            (folder / COLLECTIONS).mkdir(parents=True, exist_ok=True)
            self._check_layout()

    def collection_folder(self, name: str) -> Path:
        """Where a collection is or would be."""
        return self.folder / COLLECTIONS / check_name(name)

    def uploads_folder(self, name: str) -> Path:
        """Where the files given to a collection through the page are kept."""
        return self.collection_folder(name) / UPLOADS

    def names(self) -> list[str]:
        """The names of all collections, sorted."""
        with translate_errors(self.folder):
            return sorted(
                file.parent.name
                for file in (self.folder / COLLECTIONS).glob(f"*/{FILE_NAME}")
                if not file.parent.name.startswith(".")
            )

    def exists(self, name: str) -> bool:
        """Whether there is a collection of that name."""
        return (self.collection_folder(name) / FILE_NAME).is_file()

    def stats(self, name: str) -> Stats:
        """What a collection holds and was made with; needs no embedder."""
        with closing(self._store(name)) as store:
            return store.stats()

    @contextmanager
    def reading(self, name: str) -> Iterator[Snapshot]:
        """One state of a collection's documents, to be read without an embedder."""
        with closing(self._store(name)) as store, store.snapshot() as snapshot:
            yield snapshot

    def create(self, name: str, embedder: Embedder, chunking: Chunking | None = None) -> EmbeddedIndex:
        """A collection, made if it is not there yet."""
        return EmbeddedIndex(self.collection_folder(name), embedder, chunking)

    def delete(self, name: str) -> None:
        """Remove a collection with its uploads: gone at once, its files a moment later.

        Raises NotFoundError, or BusyError while somebody writes it.
        """
        self._require(name)
        folder = self.collection_folder(name)
        with WriterLock(folder / LOCK_NAME).acquire(), translate_errors(folder):
            folder.rename(folder.parent / f"{_DELETED}{uuid.uuid4().hex}")
        for left in folder.parent.glob(f"{_DELETED}*"):  # those of a killed process too
            shutil.rmtree(left, ignore_errors=True)

    @contextmanager
    def rebuilding(
        self, name: str, embedder: Embedder, chunking: Chunking | None = None
    ) -> Iterator[EmbeddedIndex]:
        """Rebuild a collection, with another embedder or chunking.

        Yields an empty index to be filled; at the end of the block its contents take the place of the
        collection's in one transaction. Until then, and if the block fails, the old ones stay as they are
        and can be searched; nobody else can write meanwhile (BusyError).
        """
        self._require(name)
        folder = self.collection_folder(name)
        fresh = folder / _REBUILD
        with WriterLock(folder / LOCK_NAME).acquire():
            shutil.rmtree(fresh, ignore_errors=True)
            try:
                with closing(EmbeddedIndex(fresh, embedder, chunking)) as index:
                    yield index
                with closing(Store(folder)) as store:
                    store.replace_contents(fresh)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)

    def _store(self, name: str) -> Store:
        self._require(name)
        return Store(self.collection_folder(name))

    def _require(self, name: str) -> None:
        if not self.exists(name):
            there = ", ".join(self.names()) or "none yet"
            raise NotFoundError(
                f"There is no collection {name} in {self.folder}; there is: {there}.",
                f"Create it with: domainqa ingest FOLDER --collection {name}",
            )

    def _check_layout(self) -> None:
        """Read the layout's version, or write it into a new home."""
        file = self.folder / HOME_FILE
        if not file.exists():
            fresh = file.with_suffix(".new")
            body = {"layout": LAYOUT, "program": program_version()}
            fresh.write_text(json.dumps(body), encoding="utf-8")
            fresh.replace(file)
            return
        try:
            layout = int(json.loads(file.read_text(encoding="utf-8"))["layout"])
        except (ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{file} is damaged ({error}).", "Delete that one file; the collections beside it are kept."
            ) from error
        if layout > LAYOUT:
            raise MismatchError(
                f"{self.folder} has layout {layout}; this program knows up to {LAYOUT}.",
                "Update domainqa, or choose another folder with --home.",
            )
