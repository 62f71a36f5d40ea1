"""What programs send and get: closed models, so that a misspelt field is told and never ignored."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from answering.values import Answer, Kind, Outcome
from retrieval.prompt import Style
from retrieval.values import Filter

Name = Annotated[str, Field(min_length=1, max_length=500)]
Tokens = Annotated[int, Field(ge=1, le=4096)]
Temperature = Annotated[float, Field(ge=0, le=2)]
Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]


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
    """Where a sentence stands: `quote` is the document's text from `start` to `end`."""

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
    """What OpenAI's format has no place for: whether it is a refusal, and on what the answer stands."""

    answer_id: str
    adapter: str
    kind: Kind
    outcome: Outcome
    refused: bool
    confidence: float
    citations: tuple[Citation, ...]
    nearest: tuple[str, ...]


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
    limit: Limit = NO_LIMIT
    retrieval: bool = True


class GenerateResponse(Shape):
    """The text, the adapter's name and version that gave it, and its sources."""

    text: str
    adapter: str
    kind: Kind | None
    outcome: Outcome | None
    refused: bool
    confidence: float | None
    citations: tuple[Citation, ...]
    nearest: tuple[str, ...]
    answer_id: str | None
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
    """Passages, best first."""

    collection: str
    results: tuple[Hit, ...]


class NewCollection(Shape):
    """A collection to make."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "policies"}]})

    name: Name


class Collection(Shape):
    """One collection."""

    name: str
    documents: int
    passages: int
    embedder: str
    size_bytes: int


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
    """One document of a list; `digest` is the SHA-256 of its file."""

    document: str
    title: str
    format: str
    modified: str
    size: int
    passages: int
    digest: str
    notes: tuple[Note, ...]


class DocumentText(Shape):
    """One document with its text."""

    document: str
    title: str
    format: str
    modified: str
    notes: tuple[Note, ...]
    text: str


class IngestRequest(Shape):
    """A folder of the server's machine that the collection is brought up to date with."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"folder": "/srv/policies"}]})

    folder: Annotated[str, Field(min_length=1, max_length=4000)]


class Unreadable(Shape):
    """A file that could not be read, why, and what to do."""

    path: str
    cause: str
    remedy: str


class Taken(Shape):
    """What became of the files.

    `failed` could not be read, `skipped` are of formats that are not read, `notes` say what was not read of
    documents that were added or changed.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[Unreadable, ...]
    passages: int
    skipped: tuple[Unreadable, ...] = ()
    notes: tuple[FileNote, ...] = ()


class Job(Shape):
    """Work that goes on: files done of files in all, then the report or the error."""

    id: str
    collection: str
    state: Literal["waiting", "running", "done", "failed"]
    done: int
    total: int
    report: Taken | None = None
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


def citations_of(answer: Answer) -> tuple[Citation, ...]:
    """The citations of an answer."""
    return tuple(map(Citation.model_validate, answer.citations))


def sources_of(answer: Answer) -> Sources:
    """Everything of an answer beside its text."""
    return Sources(
        answer_id=answer.id,
        adapter=answer.adapter,
        kind=answer.kind,
        outcome=answer.outcome,
        refused=answer.refused,
        confidence=answer.confidence,
        citations=citations_of(answer),
        nearest=answer.nearest,
    )
