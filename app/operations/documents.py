"""The documents of a collection, and folders that a collection is brought up to date with."""

from dataclasses import dataclass
from pathlib import Path

from app.erasure import traces as find_traces
from app.operations.values import Home, Listener, operation
from app.schema import DocumentEntry, DocumentText, IngestReport, Trace, entry_of, report_of, text_of
from knowledge_base.errors import InputError
from knowledge_base.ingest import Progress
from knowledge_base.ocr import OcrMode

# Who deleted which document, and the last command that wrote: they name documents, and hold no text of them.
_NAMING = frozenset({"audit.jsonl", "lock.json"})


@dataclass(frozen=True, slots=True)
class _Told:
    """The `OnProgress` of an ingest that a listener waits for."""

    listener: Listener

    def __call__(self, progress: Progress, /) -> None:
        self.listener.hear("progress", progress)

    def waiting(self, reason: str, /) -> None:
        self.listener.hear("waiting", reason)


@operation
def ingest(  # noqa: PLR0913, PLR0917 - what is read, how, and where it goes
    home: Home,
    listener: Listener,
    folder: Path,
    collection: str,
    rebuild: bool = False,
    ocr: OcrMode | None = None,
    allow_removal: bool = False,
) -> IngestReport:
    """Bring a collection up to date with a folder.

    Tells its "progress", and that it is "waiting" for another process, with the reason.
    """
    told = _Told(listener)
    report = home.workspace.ingest(
        folder, collection, progress=told, rebuild=rebuild, ocr=ocr, allow_removal=allow_removal
    )
    return report_of(report, collection)


@operation
def catalogue(home: Home, listener: Listener, collection: str) -> list[DocumentEntry]:
    """Every document of a collection."""
    return [entry_of(entry, local=True) for entry in home.workspace.documents(collection)]


@operation
def show(home: Home, listener: Listener, collection: str, document: str) -> DocumentText:
    """One document with its text."""
    return text_of(home.workspace.document(collection, document), local=True)


@operation
def delete(home: Home, listener: Listener, collection: str, document: str) -> None:
    """Remove one document."""
    home.workspace.delete_document(collection, document)


@operation
def traces(
    home: Home, listener: Listener, collection: str, document: str, texts: tuple[str, ...] = ()
) -> list[Trace]:
    """Files of the home that hold the path of a deleted document, or one of `texts`.

    Raises InputError if it is a document of the collection.
    """
    if document in {entry.path for entry in home.workspace.documents(collection)}:
        raise InputError(
            f"{document} is a document of the collection {collection}.",
            f"Delete it first: domainqa documents delete {document} --collection {collection}",
        )
    found = find_traces(home.settings.home, [document, *texts])
    return [
        Trace(file=file.as_posix(), text=text)
        for file, text in found
        if text != document or file.name not in _NAMING
    ]
