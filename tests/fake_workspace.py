"""A workspace in memory, with the functions of the real one: for tests of the page and the command line."""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from answering.generation.protocol import Cancelled, never
from answering.values import (
    Answer,
    Citation,
    Event,
    Finished,
    Piece,
    Profile,
    Question,
    Searched,
    Sentence,
    Task,
    Trace,
    Writing,
)
from app.metrics import Metrics
from app.settings import Settings
from app.workspace import CollectionInfo
from finetune.pairs.feedback import Feedback
from knowledge_base.errors import (
    ConflictError,
    DomainqaError,
    InputError,
    ModelError,
    NotFoundError,
    RemovalError,
)
from knowledge_base.ingest import FailedFile, OnProgress, Progress, Report, SkippedFile, silent
from knowledge_base.loaders import formats, suffix_of, unread_format
from knowledge_base.loaders.shown import PagePicture
from knowledge_base.notes import Note
from knowledge_base.sentences import sentence_spans
from knowledge_base.values import CatalogueEntry, Document, Passage, digest_of
from retrieval.retriever import Ranked, Retrieval, Retriever
from retrieval.values import NO_FILTER, Filter
from tests.fake_retraining import FakePairs, FakeRegistry, FakeRuns
from tests.fakes import FakeEmbedder, FakeIndex, words

REFUSAL = "The documents do not say."
STAGES = {"search": 0.05, "write": 0.2}


class FakeWorkspace:
    """Answers with the sentence that shares most words with the question, refuses where none does.

    `asked` and `given` collect questions and feedback; `names` can be chosen beside what is live in the
    registry, and `judged` is the feedback that there was before. `pause` are seconds between two pieces of an
    answer, which is one piece if `profile` is "extract"; `failure`, if set, is raised by the next call.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.indexes: dict[str, FakeIndex] = {}
        self.asked: list[Question] = []
        self.tasks: list[Task] = []
        self.writing = 0
        self.given: list[tuple[str, str, str, str]] = []
        self.names = ["base", "fees"]
        self.impaired: list[str] = []
        self.judged: list[Feedback] = []
        self.registry = FakeRegistry()
        self.pairs = FakePairs()
        self.runs = FakeRuns()
        self.metrics = Metrics()
        self.pause = 0.0
        self.profile: Profile = "span"
        self.failure: Exception | None = None
        self.closed = False
        self.warming = threading.Lock()
        self.ocr: str | None = None
        self._numbers = itertools.count(1)
        self._embedder = FakeEmbedder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, collection: str, path: str, text: str, title: str = "") -> Document:
        """Store a document of one passage a line, and make its collection if need be."""
        document = document_of(path, text, title)
        self.indexes.setdefault(collection, FakeIndex()).add([document])
        return document

    def collections(self) -> list[CollectionInfo]:
        """All collections by name."""
        self._fail()
        return [self._info(name) for name in sorted(self.indexes)]

    def collection(self, name: str) -> CollectionInfo:
        """One of them."""
        return self._info(name)

    def create_collection(self, name: str) -> None:
        """Make an empty one."""
        self._fail()
        if name in self.indexes:
            raise ConflictError(f"A collection named {name} already exists.", "Choose another name.")
        self.indexes[name] = FakeIndex()

    def delete_collection(self, name: str) -> None:
        """Remove one."""
        self._index(name)
        del self.indexes[name]

    def ingest(
        self,
        folder: Path,
        collection: str,
        *,
        progress: OnProgress = silent,
        rebuild: bool = False,
        ocr: str | None = None,
        allow_removal: bool = False,
    ) -> Report:
        """Take in the text files of a folder; `rebuild` forgets the others first, `ocr` is remembered."""
        self._fail()
        self.ocr = ocr
        if not folder.is_dir():
            raise InputError(f"The folder {folder} does not exist.", "Check the path.")
        if rebuild:
            self.indexes[collection] = FakeIndex()
        files = sorted(folder.iterdir())
        if not files and not allow_removal:
            raise RemovalError("2 of the 2 documents are gone.", "Allow it: --allow-removal.", ("a", "b"))
        return self._take(files, collection, "", progress)

    def upload(
        self,
        files: Sequence[Path],
        collection: str,
        *,
        move: bool = False,
        progress: OnProgress = silent,
    ) -> Report:
        """Take in files."""
        self._fail()
        return self._take(files, collection, "uploads/", progress)

    def documents(self, collection: str) -> list[CatalogueEntry]:
        """Every document by path."""
        return list(self._index(collection).catalogue().values())

    def document(self, collection: str, path: str) -> Document:
        """One document."""
        return self._index(collection).document(path)

    def page_picture(
        self, collection: str, path: str, page: int, width: int, span: tuple[int, int] | None = None
    ) -> PagePicture:
        """What was asked for, as text, marked in the middle if anything is."""
        document = self.document(collection, path)
        shown = f"{document.path} {page} {width} {document.text[slice(*span)] if span else ''}"
        return PagePicture(shown.encode(), 0.5 if span else None)

    def delete_document(self, collection: str, path: str) -> None:
        """Remove one document."""
        self._index(collection).document(path)
        self._index(collection).delete([path])

    def search(
        self, questions: Sequence[str], collection: str, *, k: int | None = None, limit: Filter = NO_FILTER
    ) -> list[Retrieval]:
        """Ranked passages for each question."""
        return Retriever(self._index(collection)).search(questions, k, limit)

    def ask(self, question: Question, cancelled: Cancelled = never) -> Iterator[Event]:
        """Searched, the words of the answer one by one, Finished."""
        if not question.text.strip():
            raise InputError("The question is empty.", "Write a question.")
        (found,) = self.search([question.text], question.collection, k=4, limit=question.limit)
        self.asked.append(question)
        return self.metrics.watching(self._events(question, found, cancelled))

    def write(self, task: Task, cancelled: Cancelled = never) -> Writing:
        """The last message, backwards, word by word."""
        self._fail()
        adapter = task.adapter or "base"
        if adapter not in self.adapters(task.collection):
            raise NotFoundError(f"There is no adapter {adapter}.", "Choose another one.")
        self.tasks.append(task)
        return Writing(adapter, self._backwards(task.messages[-1].content.split(), cancelled))

    def _backwards(self, said: list[str], cancelled: Cancelled) -> Iterator[str]:
        self.writing += 1
        try:
            for word in reversed(said):
                if cancelled():
                    return
                time.sleep(self.pause)
                yield f"{word} "
        finally:
            self.writing -= 1

    def embedder(self) -> FakeEmbedder:
        """Hashed bags of words."""
        self._fail()
        return self._embedder

    def reranker(self) -> None:
        """There is none; the embedder serves."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(text.split()) for text in texts]

    def answer(self, question: Question) -> Answer:
        """The finished answer."""
        return next(event.answer for event in self.ask(question) if isinstance(event, Finished))

    def adapter_problems(self) -> dict[str, DomainqaError]:
        """Those that were made impaired."""
        return {name: ModelError(f"The adapter {name} is damaged.", "Copy it.") for name in self.impaired}

    def adapters(self, collection: str | None = None) -> list[str]:
        """Names that a question can choose, the collection's own adapter first."""
        live = [name for name in self.registry.names() if self.registry.serves(name)]
        return sorted(dict.fromkeys([*self.names, *live]), key=lambda name: name != collection)

    def feedback_on(self, collection: str) -> list[Feedback]:
        """What was thought of answers from a collection."""
        return [entry for entry in self.judged if entry.collection == collection]

    def feedback(
        self, answer_id: str, verdict: Literal["up", "down"], correction: str = "", comment: str = ""
    ) -> None:
        """Remember a verdict."""
        self._fail()
        self.given.append((answer_id, verdict, correction, comment))

    def warm_up(self, done: Callable[[DomainqaError | None], None]) -> None:
        """There is nothing to load, unless that fails."""
        done(self.failure if isinstance(self.failure, DomainqaError) else None)

    def load(self) -> None:
        """There is nothing to load, unless that fails."""
        self._fail()

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def _take(self, files: Sequence[Path], collection: str, prefix: str, progress: OnProgress) -> Report:
        """Files of one passage a line; one that is not UTF-8 fails, and "[picture]" in one is not read."""
        index = self.indexes.setdefault(collection, FakeIndex())
        before = {path: entry.digest for path, entry in index.catalogue().items()}
        failed: list[FailedFile] = []
        skipped: list[SkippedFile] = []
        stored: list[Document] = []
        for number, file in enumerate(files, start=1):
            path = prefix + file.name
            try:
                document = document_of(path, file.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                failed.append(FailedFile(path, "It is damaged.", "Replace it."))
            else:
                if suffix_of(file.name) not in formats():
                    reason = unread_format(file.name)
                    skipped.append(SkippedFile(path, reason.cause, reason.remedy))
                elif before.get(path) != document.digest:
                    stored.append(document)
            progress(Progress(number, len(files), len(stored), file.name, len(failed)))
        index.add(stored)
        new = {document.path for document in stored}
        return Report(
            added=tuple(sorted(new - before.keys())),
            changed=tuple(sorted(new & before.keys())),
            unchanged=tuple(sorted(before.keys() - new)),
            removed=(),
            failed=tuple(failed),
            passages=sum(len(document.passages) for document in stored),
            seconds=0.5,
            skipped=tuple(skipped),
            notes={document.path: document.notes for document in stored if document.notes},
        )

    def _events(self, question: Question, found: Retrieval, cancelled: Cancelled) -> Iterator[Event]:
        yield Searched(found.ranked)
        answer = answer_of(question, found, str(next(self._numbers)), self._version(question))
        answer = replace(answer, profile=self.profile)
        pieces = [answer.text] if self.profile == "extract" else re.findall(r" ?[^ ]+", answer.text)
        self.writing += 1
        try:
            for piece in pieces:
                if cancelled():
                    break
                time.sleep(self.pause)
                yield Piece(piece)
        finally:
            self.writing -= 1
        yield Finished(answer)

    def _version(self, question: Question) -> str:
        """What answers, by its name and live version."""
        name = question.adapter or self.adapters(question.collection)[0]
        return self.registry.find(name).reference if self.registry.serves(name) else name

    def _index(self, collection: str) -> FakeIndex:
        self._fail()
        if collection not in self.indexes:
            known = ", ".join(self.indexes) or "none"
            raise NotFoundError(f"There is no collection {collection}.", f"There is: {known}.")
        return self.indexes[collection]

    def _info(self, name: str) -> CollectionInfo:
        entries = self._index(name).catalogue().values()
        passages = sum(entry.passages for entry in entries)
        return CollectionInfo(name, len(entries), passages, self._index(name).revision, "fake", 4096)

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def document_of(path: str, text: str, title: str = "") -> Document:
    """A document whose passages are its lines."""
    passages = []
    start = 0
    for line in text.split("\n"):
        passages.append(Passage(path, len(passages), line, start, start + len(line), title, (), 1))
        start += len(line) + 1
    return Document(
        path=path,
        source="/folder",
        digest=digest_of(text.encode()),
        title=title,
        format=path.rpartition(".")[2],
        size=len(text.encode()),
        modified="2026-01-31",
        text=text,
        passages=tuple(passages),
        notes=(Note("pictures_without_text", pages=(1,)),) if "[picture]" in text else (),
    )


def answer_of(question: Question, found: Retrieval, name: str, adapter: str = "base") -> Answer:
    """The best passage's sentence nearest to the question; a refusal if it shares no word with it."""
    wanted = set(words(question.text))
    best = found.ranked[0].passage if found.ranked else None
    spans = sentence_spans(best.text) if best else []
    shared = [len(wanted & set(words(best.text[start:end]))) for start, end in spans] if best else []
    place = max(range(len(spans)), key=lambda i: shared[i], default=-1)
    refused = best is None or shared[place] == 0
    citation = None if best is None or refused else cited(best, *spans[place])
    closest = nearest(found.ranked) if refused else ()
    text = citation.quote if citation else f"{REFUSAL} The closest are: {', '.join(closest)}."
    return Answer(
        id=name,
        question=question.text,
        collection=question.collection,
        text=text,
        outcome="not_found" if refused else "answered",
        confidence=0.1 if refused else 0.9,
        threshold=0.5,
        sentences=(Sentence(text, (1,) if citation else ()),),
        citations=(citation,) if citation else (),
        nearest=closest,
        adapter=adapter,
        trace=Trace(question.text, found.ranked, f"Text: {text}", (), found.candidates.revision, {}, STAGES),
        seconds=sum(STAGES.values()),
    )


def cited(passage: Passage, start: int, end: int) -> Citation:
    """A citation of a sentence of a passage."""
    return Citation(
        number=1,
        passage_id=passage.id,
        document=passage.document,
        title=passage.title,
        page=passage.page,
        start=passage.start + start,
        end=passage.start + end,
        quote=passage.text[start:end],
        support=0.9,
    )


def nearest(ranked: Sequence[Ranked]) -> tuple[str, ...]:
    """The documents of the first passages."""
    return tuple(dict.fromkeys(entry.passage.document for entry in ranked[:3]))
