"""What programs send and get, over HTTP and as `--json` and `--batch` of the command line alike.

Models are closed: a misspelt field is an error and never ignored. docs/api.md describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from answering.values import Kind, Outcome, ReadingProfile
from app.access.values import Role
from retrieval.prompt import Style
from retrieval.values import Filter

if TYPE_CHECKING:
    from answering import values as answering
    from knowledge_base.ingest import Report
    from knowledge_base.values import CatalogueEntry, Document
    from retrieval.retriever import Ranked, Retrieval

Name = Annotated[str, Field(min_length=1, max_length=500)]
Tokens = Annotated[int, Field(ge=1, le=4096)]
Temperature = Annotated[float, Field(ge=0, le=2)]
Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Occasion = Annotated[str | None, BeforeValidator(lambda day: day or None)]
Line = str | int  # the id of a question in a batch


class Shape(BaseModel):
    """Closed and frozen; made of our own values by `model_validate` where the names agree."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)


class Problem(Shape):
    """What is wrong and what to do; `param` is the field that is wrong, `code` the kind of failure."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class Failure(Shape):
    """Every failure, in OpenAI's shape."""

    error: Problem


class Limit(Shape):
    """Where to look: documents, a folder, formats, dates of modification; an empty field sets no limit."""

    documents: tuple[Name, ...] = ()
    folder: str = Field("", max_length=1000)
    formats: tuple[Name, ...] = ()
    after: Day = ""
    before: Day = ""

    def as_filter(self) -> Filter:
        """As searches take it."""
        return Filter(
            frozenset(self.documents), self.folder, frozenset(self.formats), self.after, self.before
        )


NO_LIMIT = Limit.model_validate({})


class Citation(Shape):
    """Where a sentence is from: `quote` is the document's text from `start` to `end`."""

    number: int
    document: str
    title: str
    page: int | None
    start: int
    end: int
    quote: str
    support: float


class Usage(Shape):
    """Tokens, by the model's own tokenizer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Sources(Shape):
    """What an answer is and rests on; fields are null for text that was written without documents.

    `outcome` is "answered", "related" (the documents say something about the subject, but no answer),
    "not_found" or "chat"; `refused` is true for the second and third. `nearest` are the closest documents
    where nothing was found.
    """

    answer_id: str | None
    adapter: str
    kind: Kind | None
    outcome: Outcome | None
    refused: bool
    confidence: float | None
    citations: tuple[Citation, ...]
    nearest: tuple[str, ...]


class Answer(Sources):
    """An answer with its text; `id` is that of its line in a batch, `seconds` how long it took."""

    text: str
    seconds: float
    id: Line | None = None


class GenerateRequest(Shape):
    """A question, or with `retrieval` false a task for the adapter without any documents."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"input": "What is the annual fee of the platinum card?", "adapter_id": "base"},
                {"input": "白金卡今年的年费是多少？", "collection": "bank", "style": "sentence"},
            ]
        }
    )

    input: Annotated[str, Field(min_length=1, max_length=100_000)]
    adapter_id: Name | None = None
    collection: Name | None = None
    max_new_tokens: Tokens | None = None
    temperature: Temperature = 0.0
    style: Style | None = None
    reading: ReadingProfile | None = None
    limit: Limit = NO_LIMIT
    retrieval: bool = True


class GenerateResponse(Answer):
    """An answer, or with `retrieval` false the text of the adapter, and how many tokens it took."""

    usage: Usage


class SearchRequest(Shape):
    """What to look for, and where."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "early repayment", "k": 3}]})

    query: Annotated[str, Field(min_length=1, max_length=100_000)]
    collection: Name | None = None
    k: Annotated[int, Field(ge=1, le=100)] | None = None
    limit: Limit = NO_LIMIT


class Hit(Shape):
    """One passage: its text is the document's from `start` to `end`."""

    document: str
    title: str
    page: int | None
    heading: tuple[str, ...]
    start: int
    end: int
    text: str
    score: float


class SearchResponse(Shape):
    """Passages, best first; `id` is that of the question's line in a batch."""

    collection: str
    results: tuple[Hit, ...]
    id: Line | None = None


class NewCollection(Shape):
    """A collection to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "policies"}]})

    name: Name


class Collection(Shape):
    """One collection; `revision` counts its changes, `problem` says why it cannot be used, else ""."""

    name: str
    documents: int
    passages: int
    revision: int
    embedder: str
    size_bytes: int
    problem: str = ""


class Note(Shape):
    """Something that was not read of a document; `text` says it in English, from the other fields."""

    kind: str
    count: int
    pages: tuple[int, ...]
    name: str
    text: str


class FileNote(Note):
    """The same, with the path of the document."""

    path: str


class DocumentEntry(Shape):
    """One document of a list: `size` in bytes, `digest` the SHA-256 of its file.

    `source` is the folder it was ingested from; the API, which other machines can reach, leaves it out.
    """

    document: str
    title: str
    format: str
    modified: str
    size: int
    passages: int
    digest: str
    notes: tuple[Note, ...]
    source: str | None = None


class Place(Shape):
    """Where a passage is in the text of its document, in characters.

    `ocr` is how sure the recognition of a scanned page was, in 0…1; null for text that the file holds.
    """

    start: int
    end: int
    page: int | None
    ocr: float | None
    heading: tuple[str, ...]


class DocumentText(DocumentEntry):
    """One document with its text and the places of its passages."""

    text: str
    places: tuple[Place, ...]


class IngestRequest(Shape):
    """A folder of the server's machine that the collection is brought up to date with.

    If more than half of its documents are gone, the job fails and changes nothing, unless `allow_removal`.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"folder": "/srv/policies"}]})

    folder: Annotated[str, Field(min_length=1, max_length=4000)]
    allow_removal: bool = False


class Trace(Shape):
    """A file of the home that holds a text of a deleted document."""

    file: str
    text: str


class Unreadable(Shape):
    """A file that could not be read, why, and what to do."""

    path: str
    cause: str
    remedy: str


class IngestReport(Shape):
    """What became of the files of an ingest or upload.

    `failed` could not be read, `skipped` are of formats that are not read, `notes` say what was not read of
    documents that were added or changed. `outdated`: an earlier version of domainqa read the collection.
    """

    collection: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[Unreadable, ...]
    passages: int
    seconds: float
    outdated: bool = False
    skipped: tuple[Unreadable, ...]
    notes: tuple[FileNote, ...]


class Job(Shape):
    """Work in progress: files done and their total, then the report or the error."""

    id: str
    collection: str
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    report: IngestReport | None = None
    error: str | None = None


class Feedback(Shape):
    """What a reader thinks of an answer; a correction can become a training pair."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"answer_id": "…", "verdict": "down", "correction": "680 yuan"}]}
    )

    answer_id: Name
    verdict: Literal["up", "down"]
    correction: str = Field("", max_length=10_000)
    comment: str = Field("", max_length=10_000)


class _Holder(Shape):
    name: str
    role: Role
    collections: tuple[str, ...] | None
    created: str


class Key(_Holder):
    """One key without its secret; `collections` is null for all, `last_used` for never. Days are UTC."""

    prefix: str
    last_used: Occasion


class User(_Holder):
    """One user without the password; `collections` is null for all, `last_login` for never. Days are UTC."""

    last_login: Occasion


class PackagedModel(Shape):
    """A model that is installed as a package; `prepared` once it is unpacked into its folder."""

    name: str
    installed: bool
    prepared: bool
    size_bytes: int
    licence: str
    folder: str


class Finding(Shape):
    """What one check of `doctor` saw; `remedy` is "" where nothing has to be done."""

    check: str
    state: Literal["ok", "warn", "fail"]
    seen: str
    remedy: str


def error_body(message: str, kind: str, code: str | None = None, param: str | None = None) -> object:
    """The body of a failed request, in OpenAI's shape; `kind` is what OpenAI calls type."""
    told, place = plain_unicode(message), param and plain_unicode(param)
    return Failure(error=Problem(message=told, type=kind, param=place, code=code)).model_dump()


def plain_unicode(text: str) -> str:
    """A text without halves of characters, which JavaScript cuts and nothing can write as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def sources_of(answer: answering.Answer) -> Sources:
    """Everything of an answer beside its text."""
    return Sources(
        answer_id=answer.id,
        adapter=answer.adapter,
        kind=answer.kind,
        outcome=answer.outcome,
        refused=answer.refused,
        confidence=answer.confidence,
        citations=tuple(map(Citation.model_validate, answer.citations)),
        nearest=answer.nearest,
    )


def answer_of(answer: answering.Answer, line: Line | None = None) -> Answer:
    """An answer; `line` is its id in a batch."""
    sources = dict(sources_of(answer))
    return Answer(**sources, text=answer.text, seconds=round(answer.seconds, 4), id=line)


def search_of(found: Retrieval, collection: str, line: Line | None = None) -> SearchResponse:
    """The passages of one search; `line` is the question's id in a batch."""
    return SearchResponse(collection=collection, results=tuple(map(_hit, found.ranked)), id=line)


def entry_of(entry: CatalogueEntry, *, local: bool) -> DocumentEntry:
    """One document of a list; only `local` callers are shown the folder that it came from."""
    return DocumentEntry(**_described(entry, local), passages=entry.passages)


def text_of(document: Document, *, local: bool) -> DocumentText:
    """One document with its text; see `entry_of`."""
    places = tuple(map(Place.model_validate, document.passages))
    return DocumentText(
        **_described(document, local), passages=len(places), places=places, text=document.text
    )


def report_of(report: Report, collection: str) -> IngestReport:
    """What became of the files of an ingest or upload."""
    return IngestReport.model_validate({"collection": collection, **report.as_json()})


def _described(found: CatalogueEntry | Document, local: bool) -> dict[str, Any]:
    return {
        "document": found.path,
        "title": found.title,
        "format": found.format,
        "modified": found.modified,
        "size": found.size,
        "digest": found.digest,
        "notes": tuple(Note.model_validate(note.as_json()) for note in found.notes),
        "source": found.source if local else None,
    }


def _hit(ranked: Ranked) -> Hit:
    passage = ranked.passage
    return Hit(
        document=passage.document,
        title=passage.title,
        page=passage.page,
        heading=passage.heading,
        start=passage.start,
        end=passage.end,
        text=passage.text,
        score=ranked.score,
    )
