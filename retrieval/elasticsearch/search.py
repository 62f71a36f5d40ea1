"""Dense and lexical search as requests to Elasticsearch, and the hits that come back."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.analysis import cut_chinese, query_words
from retrieval.elasticsearch.records import PASSAGE_FIELDS, passage_of
from retrieval.values import Filter, Hit, day_of

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


def lexical_body(question: str, depth: int, limit: Filter, hidden: Hidden, cuts_han: bool) -> dict[str, Any]:
    """The best passages by words; none for a question without any.

    `cuts_han` says that the collection's analyzer finds single Chinese characters and pairs of them.
    """
    words = query_words(question)
    words = _within_limit(cut_chinese(words) if cuts_han else words)
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
