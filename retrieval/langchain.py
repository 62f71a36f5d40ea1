"""Our retriever for chains of LangChain: the same passages, as its documents."""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from knowledge_base.values import Passage
from retrieval.retriever import Ranked, Retriever
from retrieval.values import NO_FILTER, Filter


class DomainqaRetriever(BaseRetriever):
    """A `BaseRetriever` over one collection, best passage first.

    `retriever` searches the collection (`Workspace.retriever(name)` gives it), `k` is how many passages come
    back (None: as many as it is set to), `limit` where it looks; `invoke` takes both for one question. The
    metadata of a document say where its passage is, and how it was found. Raises the errors of
    `Retriever.search`.
    """

    retriever: Retriever
    k: int | None = None
    limit: Filter = NO_FILTER

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        k: int | None = None,
        limit: Filter | None = None,
    ) -> list[Document]:
        wanted = self.k if k is None else k
        (found,) = self.retriever.search([query], wanted, self.limit if limit is None else limit)
        return [_document(entry) for entry in found.ranked]


def _document(entry: Ranked) -> Document:
    scores = {"score": entry.score, "dense_rank": entry.dense_rank, "lexical_rank": entry.lexical_rank}
    return Document(
        id=entry.passage.id,
        page_content=entry.passage.text,
        metadata={**_place(entry.passage), **scores},
    )


def _place(passage: Passage) -> dict[str, object]:
    """Where a passage is, in values that JSON knows."""
    return {
        "document": passage.document,
        "ordinal": passage.ordinal,
        "title": passage.title,
        "heading": list(passage.heading),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
    }
