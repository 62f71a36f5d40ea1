"""What the page needs of the program behind it; `app.workspace.Workspace` fulfils it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from answering.generation.protocol import Cancelled, never
from answering.values import Event, Question, Task, Writing
from app.feedback import Feedback
from app.metrics import Metrics
from app.retraining.pairs import StoredFile, Summary
from app.retraining.values import CurvePoint, RunInfo, RunRequest
from app.workspace import CollectionInfo
from finetune.registry.aliases import Aliases
from finetune.registry.entry import Entry
from knowledge_base.ingest import OnProgress, Report
from knowledge_base.values import CatalogueEntry, Document
from retrieval.retriever import Retrieval
from retrieval.values import NO_FILTER, Filter


class Adapters(Protocol):
    """Versions of adapters; `finetune.registry.registry.Registry` fulfils it."""

    def names(self) -> Sequence[str]:
        """Every adapter."""
        ...

    def versions(self, name: str) -> Sequence[int]:
        """The numbers of its versions, ascending."""
        ...

    def aliases(self, name: str) -> Aliases:
        """Which version is live and which was before."""
        ...

    def serves(self, name: str) -> bool:
        """Whether the bare name means an adapter."""
        ...

    def find(self, text: str) -> Entry:
        """What "bank" or "bank@3" means."""
        ...

    def promote(self, name: str, version: int) -> Aliases:
        """Make a version live."""
        ...

    def rollback(self, name: str) -> Aliases:
        """Exchange live and previous."""
        ...


class Pairs(Protocol):
    """Stored question–answer pairs; `app.retraining.pairs.PairStore` fulfils it."""

    def import_file(self, collection: str, path: Path) -> Summary:
        """Check a file and store what can be used of it."""
        ...

    def list(self, collection: str) -> Sequence[StoredFile]:
        """The stored files of a collection."""
        ...

    def remove(self, collection: str, name: str) -> None:
        """Forget one of them."""
        ...


class Retrainings(Protocol):
    """Retrainings that outlive the page; `app.retraining.runs.RunStore` fulfils it."""

    def create(self, request: RunRequest) -> RunInfo:
        """Note a retraining."""
        ...

    def start(self, run_id: str) -> None:
        """Work on it, or go on with it."""
        ...

    def stop(self, run_id: str) -> None:
        """End the work on it for now."""
        ...

    def list(self) -> Sequence[RunInfo]:
        """All of them, the newest first."""
        ...

    def get(self, run_id: str) -> RunInfo:
        """One of them."""
        ...

    def curve(self, run_id: str) -> Sequence[CurvePoint]:
        """Its losses so far, by step."""
        ...


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

    def ingest(self, folder: Path, collection: str, *, progress: OnProgress) -> Report:
        """Bring a collection up to date with a folder of this machine."""
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

    def write(self, task: Task, cancelled: Cancelled = never) -> Writing:
        """Text for messages, without any documents."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the generator's tokenizer."""
        ...

    def adapters(self, collection: str | None = None) -> Sequence[str]:
        """Names that a question may choose from, the default of the collection first."""
        ...

    def feedback(
        self, answer_id: str, verdict: Literal["up", "down"], correction: str = "", comment: str = ""
    ) -> None:
        """Store what a reader thinks of an answer."""
        ...

    def feedback_on(self, collection: str) -> Sequence[Feedback]:
        """All of it on answers from one collection."""
        ...

    @property
    def metrics(self) -> Metrics:
        """What operators watch."""
        ...

    @property
    def registry(self) -> Adapters:
        """Versions of adapters."""
        ...

    @property
    def pairs(self) -> Pairs:
        """Pairs to learn from."""
        ...

    @property
    def runs(self) -> Retrainings:
        """Retrainings."""
        ...
