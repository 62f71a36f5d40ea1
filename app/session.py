"""What one caller may do with a workspace: the page and the API call this, and it checks the right first."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from answering.generation.protocol import Cancelled, never
from answering.values import Event, Question, Task, Writing
from app.access.values import Principal, Right
from app.audit import NOTED, noted
from app.telling import tell, told
from app.versions import Version, choices_of, versions_of
from app.workspace import CollectionInfo, Workspace
from finetune.pairs.feedback import Feedback
from finetune.pairs.feedback import Verdict as Vote
from finetune.pairs.store import StoredFile, Summary
from finetune.registry.entry import Entry
from finetune.registry.registry import Aliases
from finetune.retrain.runs import RunInfo, RunRequest
from finetune.training.values import Point
from knowledge_base.errors import DomainqaError
from knowledge_base.ingest import OnProgress, Report, silent
from knowledge_base.values import CatalogueEntry, Document
from retrieval.fusion import CosineReranker, Reranker
from retrieval.retriever import Retrieval
from retrieval.values import NO_FILTER, Embedder, Filter

if TYPE_CHECKING:
    from knowledge_base.loaders.shown import PagePicture

P = ParamSpec("P")
R = TypeVar("R")
UseCase = Callable[Concatenate["Session", P], R]


def needs(right: Right, collection: str | None = None) -> Callable[[UseCase[P, R]], UseCase[P, R]]:
    """State the right that a use case needs; the call raises ForbiddenError for a caller without it.

    Args:
        right: what the caller's role must allow.
        collection: the parameter that names the collection, which must be one of the caller's, or an
            attribute of one ("task.collection"). None if the use case concerns no single collection.
    """

    def stated(use_case: UseCase[P, R]) -> UseCase[P, R]:
        signature = inspect.signature(use_case)

        @wraps(use_case)
        def checked(session: "Session", /, *args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(session, *args, **kwargs).arguments
            session.principal.require(right, _value(collection, given) if collection else None)
            try:
                with session._noted(use_case.__name__, given):
                    return use_case(session, *args, **kwargs)
            except DomainqaError as error:
                raise session._told(error) from error.__cause__

        checked.right = right  # type: ignore[attr-defined]  # read by `closed`
        return checked

    return stated


def closed(kind: type["Session"]) -> type["Session"]:
    """A class with a public function that states no right cannot be made: forgetting one shuts the door."""
    public = {name: member for name, member in vars(kind).items() if not name.startswith("_")}
    unstated = [name for name, member in public.items() if not hasattr(member, "right")]
    if unstated:
        raise TypeError(f"These use cases state no right: {', '.join(unstated)}.")
    return kind


def _value(path: str, given: Mapping[str, Any]) -> str | None:
    """The collection that the arguments of a call name; None if they name none."""
    name, _, attribute = path.partition(".")
    found: str | None = getattr(given[name], attribute) if attribute else given.get(name)
    return found


@closed
class Session:
    """A workspace as one principal may use it. Lists leave out what the caller may not see."""

    def __init__(self, workspace: Workspace, principal: Principal) -> None:
        self._workspace = workspace
        self.principal = principal

    def _noted(self, act: str, given: Mapping[str, Any]) -> AbstractContextManager[None]:
        if act not in NOTED:
            return nullcontext()
        who = f"{self.principal.name} ({self.principal.kind})"
        return noted(self._workspace.settings.home, who, act, given)

    def _told(self, error: DomainqaError) -> DomainqaError:
        return tell(error, self.principal, self._workspace.settings.home)

    def _told_while(self, found: Iterator[R]) -> Iterator[R]:
        try:
            yield from found
        except DomainqaError as error:
            raise self._told(error) from error.__cause__

    # Collections and their documents

    @needs("read")
    def collections(self) -> list[CollectionInfo]:
        """The collections that the caller may see, by name."""
        seen = [info for info in self._workspace.collections() if self.principal.sees(info.name)]
        return [replace(info, problem=self.readable(info.problem)) for info in seen]

    @needs("read", "name")
    def collection(self, name: str) -> CollectionInfo:
        """One collection; see `Workspace.collection`."""
        return self._workspace.collection(name)

    @needs("write", "name")
    def create_collection(self, name: str) -> None:
        """Make an empty collection; see `Workspace.create_collection`."""
        self._workspace.create_collection(name)

    @needs("write", "name")
    def delete_collection(self, name: str) -> None:
        """Remove a collection with everything in it; see `Workspace.delete_collection`."""
        self._workspace.delete_collection(name)

    @needs("admin", "collection")
    def ingest(
        self, folder: Path, collection: str, *, progress: OnProgress = silent, allow_removal: bool = False
    ) -> Report:
        """Bring a collection in step with any folder that the server may read; see `Workspace.ingest`."""
        return self._workspace.ingest(folder, collection, progress=progress, allow_removal=allow_removal)

    @needs("write", "collection")
    def upload(self, files: Sequence[Path], collection: str, *, progress: OnProgress = silent) -> Report:
        """Move files into a collection, so that no copy is left; see `Workspace.upload`."""
        return self._workspace.upload(files, collection, move=True, progress=progress)

    @needs("read", "collection")
    def documents(self, collection: str) -> list[CatalogueEntry]:
        """The documents of a collection, by path."""
        return self._workspace.documents(collection)

    @needs("read", "collection")
    def document(self, collection: str, path: str) -> Document:
        """One document with its text; see `Workspace.document`."""
        return self._workspace.document(collection, path)

    @needs("read", "collection")
    def page_picture(
        self, collection: str, path: str, page: int, width: int, span: tuple[int, int] | None = None
    ) -> "PagePicture":
        """The picture of a page; see `Workspace.page_picture`."""
        return self._workspace.page_picture(collection, path, page, width, span)

    @needs("write", "collection")
    def delete_document(self, collection: str, path: str) -> None:
        """Remove one document with its passages; see `Workspace.delete_document`."""
        self._workspace.delete_document(collection, path)

    @needs("read")
    def readable(self, message: str) -> str:
        """A message as the caller may read it: without places on the machine, unless it is an admin."""
        return told(message, self.principal, self._workspace.settings.home)

    # Questions

    @needs("read", "collection")
    def search(
        self, questions: Sequence[str], collection: str, *, k: int | None = None, limit: Filter = NO_FILTER
    ) -> list[Retrieval]:
        """The best passages for each question."""
        return self._workspace.search(questions, collection, k=k, limit=limit)

    @needs("read", "question.collection")
    def ask(self, question: Question, cancelled: Cancelled = never) -> Iterator[Event]:
        """Answer one question; see `Workspace.ask`."""
        return self._told_while(self._workspace.ask(question, cancelled))

    @needs("read", "task.collection")
    def write(self, task: Task, cancelled: Cancelled = never) -> Writing:
        """Text for messages, without any documents; see `Workspace.write`."""
        writing = self._workspace.write(task, cancelled)
        return replace(writing, pieces=self._told_while(writing.pieces))

    @needs("read")
    def embedder(self) -> Embedder:
        """The model that turns texts into vectors."""
        return self._workspace.embedder()

    @needs("read")
    def reranker(self) -> Reranker:
        """The model that orders texts: the reranker of the settings, or else the embedder."""
        return self._workspace.reranker() or CosineReranker(self._workspace.embedder())

    @needs("read")
    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the generator's tokenizer."""
        return self._workspace.count_tokens(texts)

    @needs("read")
    def feedback(self, answer_id: str, verdict: Vote, correction: str = "", comment: str = "") -> None:
        """Store a verdict on an answer; only the one who received the answer knows its id."""
        self._workspace.feedback(answer_id, verdict, correction, comment)

    @needs("read", "collection")
    def feedback_on(self, collection: str) -> Sequence[Feedback]:
        """The feedback on answers from one collection; none for a caller who may not retrain."""
        return self._workspace.feedback_on(collection) if self.principal.may("admin") else ()

    @needs("read")
    def metrics(self) -> bytes:
        """Counts and times of the server in Prometheus' text format."""
        return self._workspace.metrics.text()

    # Adapters

    @needs("read", "collection")
    def adapters(self, collection: str | None = None) -> list[str]:
        """The names that a question can choose, the default of the collection first."""
        return self._workspace.adapters(collection)

    @needs("read", "collection")
    def choices(self, collection: str | None) -> list[tuple[str, str]]:
        """The same as (text to show, name); an adapter shows its live version."""
        return choices_of(self._workspace.registry, self._workspace.adapters(collection))

    @needs("read")
    def versions(self) -> list[Version]:
        """Every version of every adapter: by name, the newest first."""
        found = versions_of(self._workspace.registry)
        return [replace(version, problem=self.readable(version.problem)) for version in found]

    @needs("read")
    def aliases(self, name: str) -> Aliases:
        """Which version of an adapter is live, and which was live before."""
        return self._workspace.registry.aliases(name)

    @needs("admin")
    def version(self, reference: str) -> Entry:
        """One version with its folder; see `Registry.find`."""
        return self._workspace.registry.find(reference)

    @needs("admin")
    def promote(self, name: str, version: int) -> Aliases:
        """Make a version live; see `Registry.promote`."""
        return self._workspace.registry.promote(name, version)

    @needs("admin")
    def roll_back(self, name: str) -> Aliases:
        """Exchange the live version and the one before; see `Registry.rollback`."""
        return self._workspace.registry.rollback(name)

    # Pairs and retrainings

    @needs("read", "collection")
    def pairs(self, collection: str) -> Sequence[StoredFile]:
        """The stored files of pairs; none for a caller who may not retrain."""
        return self._workspace.pairs.list(collection) if self.principal.may("admin") else ()

    @needs("admin", "collection")
    def import_pairs(self, collection: str, path: Path) -> Summary:
        """Check a file of pairs and store what can be used; see `PairStore.import_file`."""
        return self._workspace.pairs.import_file(collection, path)

    @needs("admin", "collection")
    def remove_pairs(self, collection: str, name: str) -> None:
        """Remove one stored file of pairs."""
        self._workspace.pairs.remove(collection, name)

    @needs("read")
    def retrainings(self) -> Sequence[RunInfo]:
        """All retrainings, the newest first; none for a caller who may not retrain."""
        return self._workspace.runs.list() if self.principal.may("admin") else ()

    @needs("admin")
    def retraining(self, run_id: str) -> RunInfo:
        """One retraining; NotFoundError if there is none with this id."""
        return self._workspace.runs.get(run_id)

    @needs("admin")
    def losses(self, run_id: str) -> Sequence[Point]:
        """The losses of a retraining so far, by step."""
        return self._workspace.runs.curve(run_id)

    @needs("admin", "request.collection")
    def start_retraining(self, request: RunRequest) -> RunInfo:
        """Begin a retraining, and return it."""
        runs = self._workspace.runs
        info = runs.create(request)
        runs.start(info.id)
        return runs.get(info.id)

    @needs("admin")
    def continue_retraining(self, run_id: str) -> None:
        """Continue a retraining that was stopped or has failed."""
        self._workspace.runs.start(run_id)

    @needs("admin")
    def stop_retraining(self, run_id: str) -> None:
        """Stop a retraining; it can be continued."""
        self._workspace.runs.stop(run_id)
