"""What answering gives back: events while it works, and the finished, checked answer."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from retrieval.prompt import Message, Style
from retrieval.retriever import Ranked
from retrieval.values import NO_FILTER, Filter

Kind = Literal["fact", "yesno", "howto", "list", "compare", "condition", "definition", "summary", "chat"]
Outcome = Literal["answered", "related", "not_found", "chat"]
# How a model reads: one passage at a time for a few words or a sentence ("span"), sentences of the documents
# ("extract"), or as a capable model that gets all passages together and writes freely ("free").
Profile = Literal["span", "extract", "free"]
ReadingProfile = Literal["auto", "span", "extract", "free"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a user asks, and of what.

    `adapter` None means the one that is served by default, "base" the base model without an adapter. `style`
    None means the one that the adapter is read in by default; see `Reading`. `max_new_tokens` None takes the
    setting; `temperature` 0 always gives the same answer; `top_p` and `seed` are those of the generators'
    `Request`. `reading` None takes the profile of the setting.
    """

    text: str
    collection: str
    adapter: str | None = None
    history: tuple[Turn, ...] = ()
    limit: Filter = NO_FILTER
    style: Style | None = None
    max_new_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    reading: ReadingProfile | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Something to write without any documents: messages for an adapter, or for the base model.

    All but `schema`, which is that of the generators' `Request`, are those of `Question`; the collection
    decides which adapter answers where none is named.
    """

    messages: tuple[Message, ...]
    collection: str
    adapter: str | None = None
    max_new_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    schema: str = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """Text as it is written, and who writes it: "base" or the adapter's name and version."""

    adapter: str
    pieces: Iterator[str]


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a sentence of an answer stands: a span of characters in a document's text.

    `number` is what the answer shows in brackets, `start` and `end` are offsets into the document's text,
    `quote` is exactly that text, `support` in 0…1 says how well it carries the sentence.
    """

    number: int
    passage_id: str
    document: str
    title: str
    page: int | None
    start: int
    end: int
    quote: str
    support: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer with the numbers of the citations that carry it; none means unsupported."""

    text: str
    citations: tuple[int, ...]

    @property
    def supported(self) -> bool:
        """Whether some passage was found to carry the sentence."""
        return bool(self.citations)


@dataclass(frozen=True, slots=True)
class Trace:
    """How an answer came about, for the retrieval page and for training pairs.

    `standalone` is the question with what the conversation adds, `prompt` the text the model read,
    `left_out` the ids of passages that did not fit, `signals` the features of the decision, `seconds` the
    time of each stage.
    """

    standalone: str
    ranked: tuple[Ranked, ...]
    prompt: str
    left_out: tuple[str, ...]
    revision: int
    signals: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    `outcome` says what the text is: an answer that the documents carry ("answered"), what they say about the
    subject where they do not answer the question ("related"), the statement that nothing was found
    ("not_found", with the `nearest` documents instead of citations), or a reply to small talk ("chat").
    `kind` is what the question asks for.

    `confidence` is the score of a model that reads; below `threshold` the question is refused. It is None
    where the documents' own words are the answer: there is no calibrated probability for those. `adapter` is
    "base" or the adapter's name and version, `profile` how the passages were read.
    """

    id: str
    question: str
    collection: str
    text: str
    outcome: Outcome
    confidence: float | None
    threshold: float
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    nearest: tuple[str, ...]
    adapter: str
    trace: Trace
    seconds: float
    kind: Kind = "fact"
    profile: Profile = "span"

    @property
    def refused(self) -> bool:
        """Whether the question is not answered: nothing was found, or only something related."""
        return self.outcome in ("related", "not_found")


@dataclass(frozen=True, slots=True)
class Searched:
    """First event: the passages were found; the model starts reading."""

    ranked: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some more text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """Last event: the checked answer, whose `text` replaces the pieces."""

    answer: Answer


Event = Searched | Piece | Finished


def without_citations(question: Question, text: str, outcome: Outcome, trace: Trace) -> Answer:
    """An answer under a new id, before anything is checked, cited or measured."""
    return Answer(
        id=uuid.uuid4().hex,
        question=question.text,
        collection=question.collection,
        text=text,
        outcome=outcome,
        confidence=None,
        threshold=0.5,
        sentences=(),
        citations=(),
        nearest=(),
        adapter=question.adapter or "base",
        trace=trace,
        seconds=0.0,
    )
