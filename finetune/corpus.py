"""The collection that pairs are checked against and samples are made from, searched as in serving."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property

from answering.conversation import standalone
from answering.years import right_years_first
from knowledge_base.values import Passage
from retrieval.collections import Collections
from retrieval.context import Embed
from retrieval.retriever import Ranked, Retriever
from retrieval.values import NO_FILTER, Filter, TextKind, Vectors

# No document has this path; an empty set would limit nothing.
_NONE = frozenset({""})


class Corpus:
    """The documents of a collection, and what is found in them.

    Args:
        name: of the collection.
        collections: where it is kept.
        retriever: opens what searches it; called when something is searched for the first time.
        embed: opens what gives unit vectors [n, dimension] for texts, likewise.
        read_k: passages that are read for a question.
    """

    def __init__(
        self,
        name: str,
        collections: Collections,
        retriever: Callable[[], Retriever],
        embed: Callable[[], Embed],
        read_k: int,
    ) -> None:
        self.name = name
        self.read_k = read_k
        self._collections = collections
        self._open_retriever = retriever
        self._open_embed = embed

    @cached_property
    def retriever(self) -> Retriever:
        """What searches the collection; NotFoundError if there is none of that name."""
        return self._open_retriever()

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The text of every document by its path; NotFoundError if there is no such collection."""
        with self._collections.reading(self.name) as snapshot:
            documents = (snapshot.document(path) for path in snapshot.catalogue())
            return {document.path: document.text for document in documents if document is not None}

    def passages(self, document: str | None = None) -> tuple[Passage, ...]:
        """All passages of a document, none if it is not there; without a path those of all documents."""
        with self._collections.reading(self.name) as snapshot:
            paths = sorted(snapshot.catalogue()) if document is None else [document]
            found = [snapshot.document(path) for path in paths]
        return tuple(passage for one in found if one is not None for passage in one.passages)

    def embed(self, texts: Sequence[str], *, kind: TextKind = "passage") -> Vectors:
        """Unit vectors of sentences and questions, [n, dimension]: what is near is kept by them."""
        return self._open_embed()(texts, kind=kind)

    def asked(self, question: str) -> str:
        """A question as it is searched for and read when it is served, with the year of "this year" in it."""
        return standalone(question.strip(), (), date.today())

    def ranked(self, questions: Sequence[str], limit: Filter = NO_FILTER) -> list[tuple[Ranked, ...]]:
        """For each question the passages that a model would read, best first."""
        found = self.retriever.search(questions, limit=limit)
        return [
            right_years_first(question, one.ranked)[: self.read_k]
            for question, one in zip(questions, found, strict=True)
        ]

    def find(self, question: str, k: int | None = None) -> tuple[Passage, ...]:
        """The best passages for one question, as many as are read if not said otherwise."""
        (found,) = self.retriever.search([question], k or self.read_k)
        return tuple(entry.passage for entry in found.ranked)

    def without(self, documents: frozenset[str]) -> Filter:
        """Limits a search to the other documents."""
        return Filter(documents=frozenset(self.texts) - documents or _NONE)
