"""Vectors that a collection in Elasticsearch holds already, by the content hash of their text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from retrieval.elasticsearch.cluster import Cluster
from retrieval.elasticsearch.records import Vector

_AT_ONCE = 500


def known_vectors(cluster: Cluster, alias: str, contents: Sequence[str]) -> dict[str, Vector]:
    """Those of the content hashes that have a vector, passages that are no longer seen included."""
    found: dict[str, Vector] = {}
    for first in range(0, len(contents), _AT_ONCE):
        some = list(contents[first : first + _AT_ONCE])
        for hit in _one_of_each(cluster, alias, some):
            fields = hit["fields"]
            found[fields["content"][0]] = np.array(fields["vector"], dtype=np.float32)
    return found


def _one_of_each(cluster: Cluster, alias: str, contents: list[str]) -> list[dict[str, Any]]:
    body = {
        "query": {"terms": {"content": contents}},
        "collapse": {"field": "content"},
        "size": len(contents),
        "_source": False,
        "fields": ["content", "vector"],
    }
    answer = cluster.write(
        lambda: cluster.client.search(index=alias, body=body, allow_partial_search_results=False)
    )
    return list(answer["hits"]["hits"])
