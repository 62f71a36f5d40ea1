"""Everything that can be done with one home folder; the page and the command line only call this."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from answering.answer import Answerer
from answering.generation.protocol import Cancelled, Generator, Request, never
from answering.references import BASE
from answering.selection import Models
from answering.values import Answer, Event, Finished, Question, Task, Writing
from app.adapters import choices, choose, open_registry, problems_of_live
from app.factories import (
    build_embedder,
    build_generator,
    build_reading,
    build_relevance,
    build_reranker,
    limit_threads,
    model_folder,
    open_collections,
    runs_in_process,
    sentence_embedding,
)
from app.feedback import FeedbackStore
from app.metrics import Metrics
from app.replicas import RecentAnswers
from app.settings import Settings
from app.uploads import drop_upload, ingested_file, keep_uploads, noting_names
from finetune.corpus import Corpus
from finetune.files import model_digest
from finetune.pairs.feedback import Feedback, Verdict
from finetune.pairs.store import PairStore
from finetune.pipeline import Pipeline
from finetune.registry.serving import ServedAdapters
from finetune.retrain.runs import RunStore
from finetune.training.values import Base
from knowledge_base import chunking
from knowledge_base.errors import (
    ConflictError,
    DomainqaError,
    MismatchError,
    NotFoundError,
    StorageError,
)
from knowledge_base.ingest import IngestSettings, OnProgress, Report, require_presence, silent, synchronise
from knowledge_base.loaders import has_pictures
from knowledge_base.memory import release_memory
from knowledge_base.ocr import Ocr, OcrMode
from knowledge_base.once import Once
from knowledge_base.values import CatalogueEntry, Document
from retrieval.collections import WritableIndex
from retrieval.models import torch_device
from retrieval.prompt import Message
from retrieval.relevance import Window
from retrieval.retriever import Retrieval, Retriever, SearchSettings
from retrieval.values import NO_FILTER, Embedder, Filter

if TYPE_CHECKING:
    from knowledge_base.loaders.shown import PagePicture


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection as a list shows it; `problem` says why it cannot be used and what to do, else ""."""

    name: str
    documents: int = 0
    passages: int = 0
    revision: int = 0
    embedder: str = ""
    size_bytes: int = 0
    problem: str = ""
    outdated: bool = False  # an earlier version of the loaders read it


@dataclass(frozen=True, slots=True)
class _Open:
    """A collection in use."""

    index: WritableIndex
    retriever: Retriever


class Workspace(AbstractContextManager["Workspace"]):
    """One home folder with its models, opened as they are needed; safe for many threads.

    An embedder or generator that is given is used in place of the one that the settings name.
    """

    def __init__(
        self, settings: Settings, embedder: Embedder | None = None, generator: Generator | None = None
    ) -> None:
        self.settings = settings
        self.registry = open_registry(settings, generator, lambda entry: self.served().serve(entry))
        self.runs = RunStore(settings.home, (sys.executable, "-m", "app.worker"))
        self.pairs = PairStore(settings.home / "pairs", self.corpus)
        self._home = open_collections(settings)
        self._feedback = FeedbackStore(settings.home / "feedback.sqlite")
        self.warming = threading.Lock()  # held while models are loaded in the background
        self._lock = threading.RLock()
        self._generating = threading.RLock()  # documents can be searched while the generator is loaded
        self._embedder = embedder
        self._generator = generator
        self.reranker = Once(lambda: build_reranker(settings))  # the cross-encoder of the settings, if any
        self.relevance = Once(lambda: build_relevance(settings, self.embedder()))
        self._served: ServedAdapters | None = None
        self._answerer: Answerer | None = None
        self._collections: dict[str, _Open] = {}
        self._ocr = self._reader(settings.ocr)
        self._answers = RecentAnswers(settings.home)
        self.metrics = Metrics()

    def __enter__(self) -> Self:
        """Use as `with Workspace(settings) as workspace`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release files."""
        self.close()

    def collections(self) -> list[CollectionInfo]:
        """Every collection of the home, by name; one that is damaged does not take the others with it."""
        return [self._listed(name) for name in self._home.names()]

    def _listed(self, name: str) -> CollectionInfo:
        try:
            return self.collection(name)
        except (StorageError, NotFoundError, MismatchError) as error:
            return CollectionInfo(name, problem=str(error))

    def collection(self, name: str) -> CollectionInfo:
        """One collection; NotFoundError if there is none of that name."""
        stats = self._home.stats(name)
        return CollectionInfo(
            name,
            stats.documents,
            stats.passages,
            stats.revision,
            stats.fingerprint.embedder,
            stats.stored_bytes,
            outdated=0 < stats.fingerprint.reading < chunking.VERSION,
        )

    def create_collection(self, name: str) -> None:
        """Make an empty collection; ConflictError if there is one already."""
        if self._home.exists(name):
            raise ConflictError(
                f"A collection named {name} already exists.", "Choose another name, or use that collection."
            )
        self._home.create(name, self.embedder(), self._chunking()).close()

    def delete_collection(self, name: str) -> None:
        """Remove a collection with its documents and uploads."""
        self._erase(name, None)  # first, as everywhere: what is left after a kill can then be deleted again
        self._home.delete(name)
        self._forget(name)

    def ingest(
        self,
        folder: Path,
        collection: str,
        *,
        progress: OnProgress = silent,
        rebuild: bool = False,
        ocr: OcrMode | None = None,
        allow_removal: bool = False,
    ) -> Report:
        """Bring a collection, made if need be, up to date with a folder.

        `rebuild` makes it anew with the embedder and chunking of the settings; until that has succeeded,
        the old contents stay. `ocr` None takes the setting. Raises RemovalError if more than half of the
        folder's documents are gone, unless `allow_removal`.
        """
        reader = self._reader(ocr) if ocr else self._ocr
        ingestion = replace(self._ingestion(collection, reader), allow_removal=allow_removal)
        if rebuild and self._home.exists(collection):
            return self._rebuild(folder, collection, ingestion, progress)
        index = self.index(collection)
        with index.writing(self.settings.wait_seconds, progress.waiting):
            report = synchronise(folder, index, ingestion, progress)
            index.compact()
        release_memory()
        return replace(report, outdated=self.collection(collection).outdated)

    def upload(
        self,
        files: Sequence[Path],
        collection: str,
        *,
        move: bool = False,
        progress: OnProgress = silent,
    ) -> Report:
        """Copy `files` into the collection, or move them, and ingest them.

        A document of the same name is replaced.
        """
        index = self.index(collection)
        folder = self._home.uploads_folder(collection)
        with index.writing(self.settings.wait_seconds, progress.waiting):
            given = keep_uploads(files, folder, move=move)
            ingestion = self._ingestion(collection, self._ocr, "uploads/")
            report = synchronise(folder, index, ingestion, progress)
            self._drop_unreadable(collection, report)
            index.compact()
        release_memory()
        return noting_names(report, given)

    def documents(self, collection: str) -> list[CatalogueEntry]:
        """Every document of a collection, by path."""
        with self._home.reading(collection) as snapshot:
            return [entry for _, entry in sorted(snapshot.catalogue().items())]

    def document(self, collection: str, path: str) -> Document:
        """One document with text and passages; NotFoundError if it is not there."""
        with self._home.reading(collection) as snapshot:
            found = snapshot.document(path)
        if found is None:
            raise NotFoundError(
                f"There is no document {path} in the collection {collection}.",
                f"See `domainqa documents list --collection {collection}` for those that are.",
            )
        return found

    def page_picture(
        self, collection: str, path: str, page: int, width: int, span: tuple[int, int] | None = None
    ) -> PagePicture:
        """A page of a PDF or picture, `width` pixels wide, with a span of the document's text marked.

        Raises:
            NotFoundError: there is no such document or page, its format has no pictures, or its file is no
                longer there as it was ingested.
        """
        from knowledge_base.loaders.shown import show_page

        document = self.document(collection, path)
        if not has_pictures(document.format):
            raise NotFoundError(
                f"There are no pictures of .{document.format} files.", "Read the text instead."
            )
        data = ingested_file(document, self.settings.max_file_megabytes * 2**20)
        is_read = any(passage.ocr is not None and passage.page == page for passage in document.passages)
        quote = document.text[slice(*span)] if span else ""
        return show_page(data, document.format, page, width, quote, self._ocr if is_read else None)

    def delete_document(self, collection: str, path: str) -> None:
        """Remove a document and all that is kept of it; NotFoundError if it is not there."""
        self.document(collection, path)
        index = self._opened(collection).index
        with index.writing(self.settings.wait_seconds):
            self._erase(collection, [path])
            if path.startswith("uploads/"):
                drop_upload(self._home.uploads_folder(collection), path)
            index.delete([path])
            index.compact()

    def search(
        self, questions: Sequence[str], collection: str, *, k: int | None = None, limit: Filter = NO_FILTER
    ) -> list[Retrieval]:
        """The best passages for each question."""
        for question in questions:
            self.settings.check_question(question)
        return self.retriever(collection).search(questions, k, limit)

    def ask(self, question: Question, cancelled: Cancelled = never) -> Iterator[Event]:
        """Answer one question; see `Answerer.ask`. What is wrong with it is raised before the first event."""
        self.settings.check_question(question.text)
        entry = choose(self.registry, self.settings, question.adapter, question.collection)
        retriever = self.retriever(question.collection)
        asked = replace(question, adapter=self.served().serve(entry))
        return self._answers.noting(self.metrics.watching(self.answerer().ask(asked, retriever, cancelled)))

    def answer(self, question: Question) -> Answer:
        """The finished answer to one question."""
        return next(event.answer for event in self.ask(question) if isinstance(event, Finished))

    def write(self, task: Task, cancelled: Cancelled = never) -> Writing:
        """Text for messages, without any documents; what is wrong is raised before the first piece.

        Raises InputError for a prompt that does not fit, NotFoundError for an unknown adapter.
        """
        entry = choose(self.registry, self.settings, task.adapter, task.collection)
        name = self.served().serve(entry)
        tokens = task.max_new_tokens or self.settings.max_new_tokens
        adapter = None if name == BASE else name
        request = Request(
            task.messages, adapter, tokens, task.temperature, task.top_p, task.seed, task.schema
        )
        return Writing(name, self.generator().stream(request, cancelled))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the generator's tokenizer."""
        return self.generator().count_tokens(texts)

    def adapters(self, collection: str | None = None) -> list[str]:
        """What a question can name, the default of the collection first: "base" and the names of adapters.

        A name is its live version; "NAME@3" is understood too.
        """
        return choices(self.registry, self.settings, collection or self.settings.collection)

    def adapter_problems(self) -> dict[str, DomainqaError]:
        """The live adapters that cannot answer, by name, each with the reason."""
        return problems_of_live(self.registry, self.served().serve)

    def feedback(self, answer_id: str, verdict: Verdict, correction: str = "", comment: str = "") -> None:
        """Store a verdict on a recent answer; NotFoundError for one that is no longer known."""
        answer = self._answers.get(answer_id)
        self._feedback.add(answer, verdict, correction, comment)

    def feedback_on(self, collection: str) -> list[Feedback]:
        """All feedback on answers from one collection, oldest first."""
        return self._feedback.all(collection)

    def index(self, collection: str) -> WritableIndex:
        """A collection's index, made if need be: for documents that do not come from files."""
        return self._opened(collection, create=True).index

    def retriever(self, collection: str) -> Retriever:
        """What searches a collection that exists."""
        return self._opened(collection).retriever

    def corpus(self, collection: str) -> Corpus:
        """The documents of a collection, and what is found in them, for pairs and training."""
        return Corpus(
            collection,
            self._home,
            lambda: self.retriever(collection),
            lambda: sentence_embedding(self.embedder()),
            self.settings.read_k,
        )

    def pipeline(self, collection: str) -> Pipeline:
        """Everything that answers on a collection, for retraining and evaluation; loads the generator.

        Raises NotFoundError if there is no such collection, ModelError if the base cannot be loaded.
        """
        settings = self.settings
        base, digest = None, ""
        if runs_in_process(settings):
            limit_threads(settings)
            folder = model_folder(settings.generator, settings.models_cache)
            base = Base(folder, settings.generator, device=torch_device(settings.device))
            digest = model_digest(folder)
        self._home.stats(collection)  # says what is there, before the generator is loaded
        models = (settings.generator, settings.embedder, settings.reranker, settings.reading)
        sizes = (settings.chunk_tokens, settings.depth, settings.read_k, settings.max_new_tokens)
        return Pipeline(
            corpus=self.corpus(collection),
            generator=self.generator(),
            relevance=self.relevance(),
            adapters=self.served(),
            registry=self.registry,
            pairs=self.pairs,
            feedback=lambda: self.feedback_on(collection),
            default=lambda: choose(self.registry, settings, None, collection),
            base=base,
            base_digest=digest,
            fingerprint=repr((*models, *sizes)),
            language=settings.locale,
        )

    def embedder(self) -> Embedder:
        """The embedder, loaded at first use."""
        with self._lock:
            if self._embedder is None:
                self._embedder = build_embedder(self.settings)
            return self._embedder

    def generator(self) -> Generator:
        """The generator, loaded at first use."""
        with self._generating:
            if self._generator is None:
                self._generator = build_generator(self.settings)
            return self._generator

    def served(self) -> ServedAdapters:
        """The adapters on this workspace's generator."""
        with self._generating:
            if self._served is None:
                self._served = ServedAdapters(self.generator(), build_reading(self.settings))
                self.metrics.watch_generator(self.generator())
            return self._served

    def answerer(self) -> Answerer:
        """The answering function over this workspace's models."""
        with self._generating:
            if self._answerer is None:
                models = Models(sentence_embedding(self.embedder()), self.relevance())
                self._answerer = Answerer(self.generator(), models, self.served().reading)
            return self._answerer

    def warm_up(self, done: Callable[[DomainqaError | None], None]) -> None:
        """Load the models in the background; `done` is told when they can answer, or why they cannot."""

        def load() -> None:
            problem = None
            with self.warming:
                try:
                    self.load()
                except DomainqaError as error:
                    problem = error
            done(problem)

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    def load(self) -> None:
        """Load the models and write a token with the default adapter; raises what keeps them from it."""
        for kind in ("query", "passage"):
            self.embedder().embed(["Hello"], kind)
        if relevance := self.relevance():
            relevance("Hello", [Window("", ("Hello.",))])
        greeting = Task((Message("user", "Hello"),), self.settings.collection, max_new_tokens=1)
        pieces = self.write(greeting).pieces
        if runs_in_process(self.settings):
            list(pieces)  # in this process an adapter's weights come with the first token

    def close(self) -> None:
        """Release files; the workspace cannot be used afterwards."""
        with self._lock:
            for name in list(self._collections):
                self._forget(name)

    def _opened(self, name: str, create: bool = False) -> _Open:
        exists = self._home.exists(name)  # may take a while where a cluster must be asked
        with self._lock:
            if name in self._collections and exists:
                return self._collections[name]
            self._forget(name)
            if not create:
                self._home.stats(name)  # says what is there, before any model is loaded
            opened = self._home.create(name, self.embedder(), self._chunking())
            search = SearchSettings(self.settings.depth, self.settings.top_k)
            retriever = Retriever(opened, search, self.reranker(), self.metrics.searched)
            self._collections[name] = _Open(opened, retriever)
            return self._collections[name]

    def _forget(self, name: str) -> None:
        with self._lock:
            if opened := self._collections.pop(name, None):
                opened.index.close()

    def _rebuild(
        self, folder: Path, collection: str, ingestion: IngestSettings, progress: OnProgress
    ) -> Report:
        with self._home.reading(collection) as before:
            known = before.catalogue()
            require_presence(folder, known, ingestion)
        with self._home.rebuilding(collection, self.embedder(), self._chunking()) as fresh:
            report = synchronise(folder, fresh, ingestion, progress)
            uploads = self._home.uploads_folder(collection)
            if uploads.is_dir():
                synchronise(uploads, fresh, replace(ingestion, prefix="uploads/"), progress)
            self._erase(collection, known.keys() - fresh.catalogue().keys())
        self._forget(collection)
        return report

    def _erase(self, collection: str, paths: Collection[str] | None) -> None:
        """Remove what is kept of deleted documents outside the collection; None for all of them."""
        if paths is None or paths:
            self._feedback.forget(collection, paths)
            self._answers.forget(collection, paths)
            self._ocr.forget()

    def _drop_unreadable(self, collection: str, report: Report) -> None:
        """Forget uploads that never could be read, or every later upload would report them again."""
        known = self.index(collection).catalogue()
        for path in [file.path for file in report.failed] + [file.path for file in report.skipped]:
            if path not in known:
                drop_upload(self._home.uploads_folder(collection), path)

    def _reader(self, mode: OcrMode) -> Ocr:
        return Ocr(mode, self.settings.home / "ocr.sqlite", self.settings.threads)

    def _ingestion(self, collection: str, ocr: Ocr, prefix: str = "") -> IngestSettings:
        return IngestSettings(
            count_tokens=self.embedder().count_tokens,
            chunk_tokens=self._chunk_tokens(),
            max_file_bytes=self.settings.max_file_megabytes * 2**20,
            prefix=prefix,
            ocr=ocr,
            before_removal=partial(self._erase, collection),
        )

    def _chunking(self) -> Mapping[str, int]:
        return {"tokens": self._chunk_tokens(), "version": chunking.VERSION}

    def _chunk_tokens(self) -> int:
        """What the settings ask for, within what the embedder reads: nothing is silently cut off."""
        return min(self.settings.chunk_tokens, self.embedder().max_tokens)
