"""A folder and a store are brought in step: added, changed, removed and unchanged files by content hash."""

import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from knowledge_base.chunking import Chunking, CountTokens, chunk
from knowledge_base.errors import LoadError, RemovalError, UnreadFormatError
from knowledge_base.loaders import DEFAULT_MAX_BYTES, parse, read, suffix_of
from knowledge_base.notes import Note
from knowledge_base.ocr import Ocr, Watch, using_ocr
from knowledge_base.scan import FailedFile, FoundFile, Scan, SkippedFile, scan
from knowledge_base.values import CatalogueEntry, Document, PassageStore, digest_of

__all__ = [
    "FailedFile",
    "IngestSettings",
    "OnProgress",
    "Progress",
    "Report",
    "SkippedFile",
    "silent",
    "synchronise",
]

Outcome = Document | FailedFile | SkippedFile

# The store is given so many passages at a time, so that it can embed texts of similar length together, and
# after so many seconds what there is: what was stored survives when the process is killed.
_STORED_TOGETHER = 64
_LONGEST_WAIT_SECONDS = 5.0
# How far parsing may be ahead of the store.
_FILES_AHEAD = 256
_BYTES_AHEAD = 32_000_000
_SECONDS_BETWEEN_PAGES = 1.0


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """How files become passages.

    `count_tokens` and `chunk_tokens` are those of `chunking.Chunking`; `count_tokens` is called from another
    thread than the store. `prefix` is put before every document path, e.g. "uploads/". `ocr` reads pictures.
    `allow_removal` lets most documents go at once: a folder that is empty may only be unmounted.
    `before_removal` is given the paths of documents that are about to be removed.
    """

    count_tokens: CountTokens
    chunk_tokens: int = 256
    max_file_bytes: int = DEFAULT_MAX_BYTES
    prefix: str = ""
    ocr: Ocr = field(default_factory=Ocr)
    allow_removal: bool = False
    before_removal: Callable[[Sequence[str]], None] = lambda _paths: None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an ingest is: files stored or failed of those that are new or changed, and passages stored.

    `page` is the page of the current file that OCR has read, 0 if it reads none.
    """

    documents_done: int
    documents_total: int
    passages_done: int
    current: str
    failed: int
    page: int = 0


class OnProgress(Protocol):
    """Whoever is told how an ingest goes on, in the thread that called it."""

    def __call__(self, progress: Progress, /) -> None:
        """Something was read or stored."""
        ...

    def waiting(self, reason: str, /) -> None:
        """Nothing can be done until somebody else lets go, for the reason given."""
        ...


class _Silent:
    def __call__(self, progress: Progress, /) -> None:
        """Tell nobody."""

    def waiting(self, reason: str, /) -> None:
        """Tell nobody."""


silent: OnProgress = _Silent()


@dataclass(frozen=True, slots=True)
class Report:
    """What a synchronisation did: document paths, the passages that were written, and the time it took.

    `skipped` are files of formats that are not read; `notes` say by path what was not read of documents that
    were added or changed. `outdated`: an earlier version read the collection, and it should be read again.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[FailedFile, ...]
    passages: int
    seconds: float
    skipped: tuple[SkippedFile, ...] = ()
    notes: Mapping[str, tuple[Note, ...]] = field(default_factory=dict)
    outdated: bool = False

    def as_json(self) -> dict[str, object]:
        """The report in values that JSON knows."""
        return {
            "added": list(self.added),
            "changed": list(self.changed),
            "unchanged": list(self.unchanged),
            "removed": list(self.removed),
            "failed": [asdict(file) for file in self.failed],
            "passages": self.passages,
            "seconds": round(self.seconds, 3),
            "outdated": self.outdated,
            "skipped": [asdict(file) for file in self.skipped],
            "notes": [
                {"path": path, **note.as_json()} for path, notes in self.notes.items() for note in notes
            ],
        }


def synchronise(
    folder: Path, store: PassageStore, settings: IngestSettings, progress: Callable[[Progress], None] = silent
) -> Report:
    """Make the store hold what the folder holds.

    Only documents of this folder and prefix are removed; a path that another folder has brought is taken
    over. A file that cannot be read is reported and keeps its last good version, as does all below a
    subfolder that cannot be opened. Files are parsed in a thread of their own while the store embeds; what
    has been handed to the store when this is interrupted stays, and the next run goes on from there.

    Raises:
        InputError: the folder does not exist or cannot be read; nothing has been changed.
        RemovalError: more than half of its documents are gone; nothing has been changed.
        DomainqaError: of the store.
    """
    began = time.monotonic()
    found = scan(folder, prefix=settings.prefix, max_bytes=settings.max_file_bytes)
    source = str(folder.resolve())
    known = store.catalogue()
    removed = _gone(found, source, settings.prefix, known)
    if not settings.allow_removal:
        _require_half(folder, found, known, removed)
    fresh = [file for file in found.files if not _is_stored(file, source, known)]
    done = _store_all(fresh, source, store, settings, progress)
    if removed:
        settings.before_removal(removed)
        store.delete(removed)
    read_again = {file.path for file in fresh}
    return Report(
        added=tuple(path for path in done.passages if path not in known),
        changed=tuple(path for path in done.passages if path in known),
        unchanged=tuple(file.path for file in found.files if file.path not in read_again),
        removed=tuple(removed),
        failed=(*found.failed, *done.failed),
        passages=sum(done.passages.values()),
        seconds=time.monotonic() - began,
        skipped=(*found.skipped, *done.skipped),
        notes=done.notes,
    )


def require_presence(folder: Path, known: Mapping[str, CatalogueEntry], settings: IngestSettings) -> None:
    """RemovalError if more than half of the documents that a store has of a folder are no longer there."""
    if not settings.allow_removal:
        found, source = scan(folder, max_bytes=settings.max_file_bytes), str(folder.resolve())
        _require_half(folder, found, known, _gone(found, source, settings.prefix, known))


def _is_stored(file: FoundFile, source: str, known: Mapping[str, CatalogueEntry]) -> bool:
    entry = known.get(file.path)
    return entry is not None and entry.digest == file.digest and entry.source == source


def _gone(found: Scan, source: str, prefix: str, known: Mapping[str, CatalogueEntry]) -> list[str]:
    """Documents of this folder whose files are no longer there, as far as could be seen."""
    there = {file.path for file in found.files} | {file.path for file in found.failed}
    return [
        path
        for path, entry in known.items()
        if entry.source == source
        and path.startswith(prefix)
        and path not in there
        and not path.startswith(found.unseen)
    ]


def _require_half(
    folder: Path, found: Scan, known: Mapping[str, CatalogueEntry], removed: Sequence[str]
) -> None:
    """RemovalError if more than half of the folder's documents are gone; a renamed one is not."""
    sources = {known[path].source for path in removed}
    here = sum(entry.source in sources for entry in known.values())
    there = {file.digest for file in found.files}
    gone = tuple(path for path in removed if known[path].digest not in there)
    if 2 * len(gone) > here:
        raise RemovalError(
            f"{len(gone)} of the {here} documents of {folder} are no longer there, so nothing was changed.",
            "Mount or restore the folder; if they are to be removed, ingest it with --allow-removal.",
            gone,
        )


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of files: the passages and notes of each stored path, and what was not stored."""

    passages: dict[str, int] = field(default_factory=dict)
    notes: dict[str, tuple[Note, ...]] = field(default_factory=dict)
    failed: list[FailedFile] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files that are."""
        return len(self.passages) + len(self.failed) + len(self.skipped)


def _store_all(
    files: Sequence[FoundFile],
    source: str,
    store: PassageStore,
    settings: IngestSettings,
    progress: Callable[[Progress], None],
) -> _Done:
    """Store documents window by window."""
    done = _Done()
    window: list[Document] = []
    stored_at = time.monotonic()

    def tell(current: str, page: int = 0) -> None:
        passages = sum(done.passages.values())
        progress(Progress(done.count, len(files), passages, current, len(done.failed), page))

    def flush(current: str) -> None:
        nonlocal stored_at
        if window:
            store.add(window)
        done.passages.update((document.path, len(document.passages)) for document in window)
        done.notes.update((document.path, document.notes) for document in window if document.notes)
        window.clear()
        stored_at = time.monotonic()
        tell(current)

    with closing(_documents(files, source, settings, tell)) as outcomes:
        for outcome in outcomes:
            tell(outcome.path)
            if isinstance(outcome, FailedFile):
                done.failed.append(outcome)
                continue
            if isinstance(outcome, SkippedFile):
                done.skipped.append(outcome)
                continue
            window.append(outcome)
            is_full = sum(len(document.passages) for document in window) >= _STORED_TOGETHER
            if is_full or time.monotonic() - stored_at >= _LONGEST_WAIT_SECONDS:
                flush(outcome.path)
    flush("")
    return done


def _documents(
    files: Sequence[FoundFile], source: str, settings: IngestSettings, on_page: Callable[[str, int], None]
) -> Generator[Outcome]:
    """Documents in the order of their files, read ahead by one thread within bounds of number and size."""
    waiting = deque(files)
    ahead: deque[tuple[FoundFile, Future[Outcome]]] = deque()
    bytes_ahead = 0
    watch = Watch()
    pool = ThreadPoolExecutor(1, "parsing")
    try:
        while waiting or ahead:
            while waiting and (not ahead or (len(ahead) < _FILES_AHEAD and bytes_ahead < _BYTES_AHEAD)):
                file = waiting.popleft()
                ahead.append((file, pool.submit(_document, file, source, settings, watch)))
                bytes_ahead += file.size
            file, future = ahead.popleft()
            while not wait([future], _SECONDS_BETWEEN_PAGES).done:
                if watch.page:
                    on_page(file.path, watch.page)
            bytes_ahead -= file.size
            yield future.result()
    finally:
        watch.stopped.set()  # a long scan must not hold up whoever interrupts; its finished pages are kept
        pool.shutdown(cancel_futures=True)


def _document(file: FoundFile, source: str, settings: IngestSettings, watch: Watch) -> Outcome:
    """Read one file. Its digest is taken again from what was read: it may have changed since the scan."""
    watch.page = 0
    try:
        data = read(file.location, settings.max_file_bytes, file.member)
        with using_ocr(settings.ocr, watch):
            loaded = parse(data, suffix_of(file.path))
    except UnreadFormatError as error:
        return SkippedFile(file.path, error.cause, error.remedy)
    except LoadError as error:
        return FailedFile(file.path, error.cause, error.remedy)
    chunked = chunk(loaded, file.path, Chunking(settings.count_tokens, settings.chunk_tokens))
    return Document(
        path=file.path,
        source=source,
        digest=digest_of(data),
        title=chunked.title,
        format=suffix_of(file.path),
        size=len(data),
        modified=file.modified,
        text=chunked.text,
        passages=chunked.passages,
        notes=loaded.notes,
    )
