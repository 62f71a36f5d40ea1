"""The service as the caller may use it: lists leave out what is not theirs, all else is refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from answering.generation.protocol import Cancelled, never
from answering.values import Event, Question, Task, Writing
from app.access.caller import caller
from app.access.values import Right
from app.feedback import Feedback
from app.metrics import Metrics
from app.page.guarded_adapters import GuardedAdapters, GuardedPairs, GuardedRetrainings
from app.page.service import Service
from app.workspace import CollectionInfo
from knowledge_base.ingest import OnProgress, Report
from knowledge_base.values import CatalogueEntry, Document
from retrieval.retriever import Retrieval
from retrieval.values import NO_FILTER, Filter


def require(right: Right, collection: str | None = None) -> None:
    """ForbiddenError unless the caller may."""
    caller().require(right, collection)


class GuardedService:
    """Fulfils `Service`; each method asks first whether the caller may."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._registry = GuardedAdapters(service.registry, require)
        self._pairs = GuardedPairs(service.pairs, require)
        self._runs = GuardedRetrainings(service.runs, require)

    def collections(self) -> Sequence[CollectionInfo]:
        """Those that the caller may see."""
        return [info for info in self._service.collections() if caller().sees(info.name)]

    def create_collection(self, name: str) -> None:
        """Make an empty one."""
        require("write", name)
        self._service.create_collection(name)

    def delete_collection(self, name: str) -> None:
        """Remove one with everything in it."""
        require("write", name)
        self._service.delete_collection(name)

    def ingest(self, folder: Path, collection: str, *, progress: OnProgress) -> Report:
        """Bring a collection up to date with a folder of this machine: any that the server may read."""
        require("admin", collection)
        return self._service.ingest(folder, collection, progress=progress)

    def upload(self, files: Sequence[Path], collection: str, *, progress: OnProgress) -> Report:
        """Copy files into a collection."""
        require("write", collection)
        return self._service.upload(files, collection, progress=progress)

    def documents(self, collection: str) -> Sequence[CatalogueEntry]:
        """What a collection holds."""
        require("read", collection)
        return self._service.documents(collection)

    def document(self, collection: str, path: str) -> Document:
        """One document with its text."""
        require("read", collection)
        return self._service.document(collection, path)

    def delete_document(self, collection: str, path: str) -> None:
        """Remove one document with its passages."""
        require("write", collection)
        self._service.delete_document(collection, path)

    def search(
        self, questions: Sequence[str], collection: str, *, k: int | None = None, limit: Filter = NO_FILTER
    ) -> Sequence[Retrieval]:
        """Ranked passages for each question."""
        require("read", collection)
        return self._service.search(questions, collection, k=k, limit=limit)

    def ask(self, question: Question, cancelled: Cancelled = never) -> Iterator[Event]:
        """Searched, then Pieces, then Finished; refused before the first."""
        require("read", question.collection)
        return self._service.ask(question, cancelled)

    def write(self, task: Task, cancelled: Cancelled = never) -> Writing:
        """Text for messages, without any documents."""
        require("read", task.collection)
        return self._service.write(task, cancelled)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the generator's tokenizer."""
        return self._service.count_tokens(texts)

    def adapters(self, collection: str | None = None) -> Sequence[str]:
        """Names that a question may choose from."""
        require("read", collection)
        return self._service.adapters(collection)

    def feedback(
        self, answer_id: str, verdict: Literal["up", "down"], correction: str = "", comment: str = ""
    ) -> None:
        """Store what a reader thinks of an answer; only who got it knows its id."""
        require("read")
        self._service.feedback(answer_id, verdict, correction, comment)

    def feedback_on(self, collection: str) -> Sequence[Feedback]:
        """What others asked and said; nothing for those who may not retrain."""
        return self._service.feedback_on(collection) if caller().may("admin", collection) else ()

    @property
    def metrics(self) -> Metrics:
        """What operators watch."""
        return self._service.metrics

    @property
    def registry(self) -> GuardedAdapters:
        """Versions of adapters."""
        return self._registry

    @property
    def pairs(self) -> GuardedPairs:
        """Pairs to learn from."""
        return self._pairs

    @property
    def runs(self) -> GuardedRetrainings:
        """Retrainings."""
        return self._runs
