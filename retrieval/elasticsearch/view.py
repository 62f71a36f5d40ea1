"""A collection as it is read: one unchanging state through a point in time, and the requests of a search."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import DomainqaError, NotFoundError, UnavailableError
from knowledge_base.values import CatalogueEntry, Document
from retrieval.collections import Fingerprint
from retrieval.elasticsearch.cluster import Cluster
from retrieval.elasticsearch.layout import (
    DOCUMENT,
    ENTRY_FIELDS,
    PASSAGE,
    PASSAGE_FIELDS,
    document_of,
    entry_of,
    passage_of,
)
from retrieval.elasticsearch.state import State, read_state
from retrieval.values import Filter, Hit, Vectors, day_of

Hidden = Sequence[Mapping[str, Any]]

# A graph is searched wider than it must answer, or near neighbours are missed.
_LEAST_CANDIDATES = 200
# What Elasticsearch gives at most.
_MOST_HITS = 10_000
# The clauses of one query are limited; nobody asks with a thousand different words.
_MOST_SIGNS = 1000


def dense_body(vector: NDArray[np.float32], depth: int, limit: Filter, hidden: Hidden) -> dict[str, Any]:
    """The nearest passages by vector."""
    found = min(depth, _MOST_HITS)
    nearest: dict[str, Any] = {
        "field": "vector",
        "query_vector": vector.tolist(),
        "k": found,
        "num_candidates": min(max(2 * found, _LEAST_CANDIDATES), _MOST_HITS),
    }
    if hidden or not limit.is_empty:  # a graph without a filter is searched faster
        nearest["filter"] = _within(limit, hidden)
    return {"knn": nearest, "size": found, "_source": PASSAGE_FIELDS}


def lexical_body(words: Sequence[str], depth: int, limit: Filter, hidden: Hidden) -> dict[str, Any]:
    """The best passages by words; none for a question without any."""
    words = _within_limit(words)
    match = {"match": {"body": " ".join(words)}} if words else {"match_none": {}}
    return {
        "query": {"bool": {"must": match, **_within(limit, hidden)["bool"]}},
        "size": min(depth, _MOST_HITS),
        "_source": PASSAGE_FIELDS,
    }


def dense_hits(answer: Mapping[str, Any]) -> tuple[Hit, ...]:
    """Hits with the cosine, of which Elasticsearch gives (1 + cosine) / 2."""
    return tuple(Hit(passage_of(hit["_source"]), 2 * hit["_score"] - 1) for hit in answer["hits"]["hits"])


def lexical_hits(answer: Mapping[str, Any]) -> tuple[Hit, ...]:
    """Hits with their BM25."""
    return tuple(Hit(passage_of(hit["_source"]), hit["_score"]) for hit in answer["hits"]["hits"])


def _within(limit: Filter, hidden: Hidden) -> dict[str, Any]:
    """The query of what may be found at all."""
    conditions: list[dict[str, Any]] = []
    if limit.documents:
        conditions.append({"terms": {"path": sorted(limit.documents)}})
    if limit.folder:
        conditions.append({"prefix": {"path": f"{limit.folder}/"}})
    if limit.formats:
        conditions.append({"terms": {"format": sorted(limit.formats)}})
    dates = {"gte": limit.after, "lte": limit.before}
    given = {bound: date for bound, date in dates.items() if date}
    for date in given.values():
        day_of(date)
    if given:
        conditions.append({"range": {"modified": given}})
    return {"bool": {"filter": conditions, "must_not": list(hidden)}}


def _within_limit(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    room = _MOST_SIGNS
    for word in words:
        room -= len(word)
        if room < 0 and kept:
            break
        kept.append(word[:_MOST_SIGNS])
    return kept


_PAGE = 1000
_TEXTS_PAGE = 50
_KEPT = "10m"
_TRIES = 10
_DOCUMENTS = {"term": {"kind": DOCUMENT}}
_PASSAGES = {"term": {"kind": PASSAGE}}
_DOCUMENT_FIELDS = [*ENTRY_FIELDS, "text"]


class View:
    """The collection at one revision; a `CollectionSnapshot`."""

    def __init__(self, cluster: Cluster, point: str, state: State) -> None:
        self._cluster = cluster
        self._point = point
        self._state = state

    @property
    def revision(self) -> int:
        """The state's revision."""
        return self._state.revision

    @property
    def fingerprint(self) -> Fingerprint:
        """What the collection was made with."""
        return self._state.fingerprint

    def catalogue(self) -> dict[str, CatalogueEntry]:
        """Every document by its path, in the order of paths."""
        hits = self._all([_DOCUMENTS], ["path"], _PAGE, {"_source": ENTRY_FIELDS})
        return {hit["_source"]["path"]: entry_of(hit["_source"]) for hit in hits}

    def document(self, path: str) -> Document | None:
        """One document with text and passages, or None."""
        is_it = {"term": {"path": path}}
        found = next(self._all([_DOCUMENTS, is_it], ["path"], 1, {"_source": _DOCUMENT_FIELDS}), None)
        if found is None:
            return None
        hits = self._all([_PASSAGES, is_it], ["ordinal"], _PAGE, {"_source": PASSAGE_FIELDS})
        return document_of(found["_source"], tuple(passage_of(hit["_source"]) for hit in hits))

    def everything(self) -> Iterator[tuple[Document, Vectors]]:
        """Every document in the order of paths, with the vectors [passages, dimension] of its passages."""
        documents = self._all([_DOCUMENTS], ["path"], _TEXTS_PAGE, {"_source": _DOCUMENT_FIELDS})
        wanted = {"_source": PASSAGE_FIELDS, "fields": ["vector"]}
        passages = self._all([_PASSAGES], ["path", "ordinal"], _PAGE, wanted)
        for found in documents:
            source = found["_source"]
            own = list(islice(passages, source["passages"]))
            rows = np.array([hit["fields"]["vector"] for hit in own], dtype=np.float32)
            vectors = rows.reshape(len(own), self.fingerprint.dimension)
            yield document_of(source, tuple(passage_of(hit["_source"]) for hit in own)), vectors

    def counts(self) -> tuple[int, int, int]:
        """How many documents, passages and vectors there are; vectors with those of hidden passages."""
        hidden = self._state.hidden()
        return self._count(_DOCUMENTS, hidden), self._count(_PASSAGES, hidden), self._count(_PASSAGES, [])

    def _count(self, wanted: Mapping[str, Any], hidden: Sequence[Mapping[str, Any]]) -> int:
        query = {"bool": {"filter": [wanted], "must_not": list(hidden)}}
        answer = self._search({"query": query, "size": 0, "track_total_hits": True})
        return int(answer["hits"]["total"]["value"])

    def _all(
        self,
        conditions: Sequence[Mapping[str, Any]],
        order: Sequence[str],
        page: int,
        wanted: Mapping[str, Any],
    ) -> Iterator[Mapping[str, Any]]:
        """Every hit in an order that is a total one, `page` of them at a time."""
        query = {"bool": {"filter": list(conditions), "must_not": self._state.hidden()}}
        sort = [{field: "asc"} for field in order]
        body = {**wanted, "query": query, "sort": sort, "size": page}
        while True:
            hits = self._search(body)["hits"]["hits"]
            yield from hits
            if len(hits) < page:
                return
            body["search_after"] = hits[-1]["sort"]

    def _search(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        within = {**body, "pit": {"id": self._point, "keep_alive": _KEPT}}
        found: Mapping[str, Any] = self._cluster.read(
            lambda: self._cluster.client.search(body=within, allow_partial_search_results=False)
        ).body
        return found


@contextmanager
def open_view(cluster: Cluster, alias: str) -> Iterator[View]:
    """The present state of the collection behind an alias; NotFoundError where there is none."""
    for _ in range(_TRIES):
        before = read_state(cluster, alias)
        if before is None:
            raise NotFoundError(
                "The collection was deleted, or its first ingest never finished.", "Ingest a folder into it."
            )
        with _point_in_time(cluster, alias) as point:
            if read_state(cluster, alias) == before:
                yield View(cluster, point, before)
                return
    raise changing_too_quickly()


@contextmanager
def _point_in_time(cluster: Cluster, alias: str) -> Iterator[str]:
    opened = cluster.read(lambda: cluster.client.open_point_in_time(index=alias, keep_alive=_KEPT))
    point = str(opened["id"])
    try:
        yield point
    finally:
        with suppress(DomainqaError):  # it ends by itself
            cluster.read(lambda: cluster.client.close_point_in_time(id=point))


def changing_too_quickly() -> UnavailableError:
    """The error of a reader that has found another state each time."""
    return UnavailableError("The collection changes too quickly to be read.", "Try again in a moment.")
