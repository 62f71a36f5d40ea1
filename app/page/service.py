"""What the page needs of the program behind it; `app.workspace.Workspace` fulfils it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from app.answering.values import Event, Question
from app.generation.protocol import Cancelled, never
from app.workspace import CollectionInfo
from knowledge_base.ingest import OnProgress, Report
from knowledge_base.values import CatalogueEntry, Document
from retrieval.retriever import Retrieval
from retrieval.values import NO_FILTER, Filter


class Service(Protocol):
    """The functions behind the page; every error they raise on purpose is a DomainqaError."""

    def collections(self) -> Sequence[CollectionInfo]:
        """All collections by name."""
        ...

    def create_collection(self, name: str) -> None:
        """Make an empty one."""
        ...

    def delete_collection(self, name: str) -> None:
        """Remove one with everything in it."""
        ...

    def upload(self, files: Sequence[Path], collection: str, *, progress: OnProgress) -> Report:
        """Copy files into a collection."""
        ...

    def documents(self, collection: str) -> Sequence[CatalogueEntry]:
        """What a collection holds."""
        ...

    def document(self, collection: str, path: str) -> Document:
        """One document with its text."""
        ...

    def delete_document(self, collection: str, path: str) -> None:
        """Remove one document with its passages."""
        ...

    def search(
        self,
        questions: Sequence[str],
        collection: str,
        *,
        k: int | None = None,
        limit: Filter = NO_FILTER,
    ) -> Sequence[Retrieval]:
        """Ranked passages for each question."""
        ...

    def ask(self, question: Question, cancelled: Cancelled = never) -> Iterator[Event]:
        """Searched, then Pieces, then Finished."""
        ...

    def adapters(self) -> Sequence[str]:
        """Names that a question may choose from, the default first."""
        ...

    def feedback(
        self, answer_id: str, verdict: Literal["up", "down"], correction: str = "", comment: str = ""
    ) -> None:
        """Store what a reader thinks of an answer."""
        ...
