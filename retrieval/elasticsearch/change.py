"""One change of a collection: written unseen, then shown all at once by its state."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from elastic_transport import ObjectApiResponse

from knowledge_base.values import Document
from retrieval.elasticsearch.cluster import Cluster, error_of
from retrieval.elasticsearch.layout import DOCUMENT, Vector, records_of
from retrieval.elasticsearch.lease import Lease
from retrieval.elasticsearch.state import State, replace_state

_MOST_BYTES = 8_000_000
_MOST_RECORDS = 500

Record = tuple[str, Mapping[str, Any]]


def store(cluster: Cluster, alias: str, records: Iterator[Record]) -> None:
    """Store records under their ids. Raises what `Cluster.write` names for the first that fails."""
    for lines in _requests(records):
        cluster.write(partial(_send, cluster, alias, lines))


def _send(cluster: Cluster, alias: str, lines: list[bytes]) -> None:
    answer = cluster.client.bulk(index=alias, operations=lines, require_alias=True)  # type: ignore[arg-type]  # encoded already
    if not answer["errors"]:
        return
    results = [item["index"] for item in answer["items"]]
    failed = next(result for result in results if "error" in result)
    raise error_of(answer.meta, int(failed["status"]), failed)


def _requests(records: Iterator[Record]) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    size = 0
    for number, record in records:
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
        if lines and (size + len(line) > _MOST_BYTES or len(lines) >= 2 * _MOST_RECORDS):
            yield lines
            lines, size = [], 0
        lines += [json.dumps({"index": {"_id": number}}).encode(), line]
        size += len(line)
    if lines:
        yield lines


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


_PATHS_AT_ONCE = 1000
_TRY_AGAIN = 503


class Change:
    """Replaces and removes documents of a collection whose lease is held.

    A process may die at any line of this: what it wrote stays unseen, and the next change deletes it.
    """

    def __init__(self, cluster: Cluster, alias: str, lease: Lease) -> None:
        self._cluster = cluster
        self._alias = alias
        self._lease = lease
        self._id = uuid.uuid4().hex

    def put(self, state: State, documents: Sequence[Document], vectors: Mapping[str, Vector]) -> State:
        """Store documents in place of those of their paths; `vectors` by content hash."""
        replaced = self._versions(state, [document.path for document in documents])
        state = self._replace(self._swept(state).after_begin(self._id))
        store(self._cluster, self._alias, self._records(state, documents, vectors))
        self._refresh()
        return self._replace(state.after_commit(self._id, replaced))

    def remove(self, state: State, paths: Sequence[str]) -> State:
        """Remove documents; without any of them there, nothing changes."""
        removed = self._versions(state, paths)
        if not removed:
            return state
        return self._replace(self._swept(state).after_commit(self._id, removed))

    def sweep(self, state: State) -> State:
        """Delete what is no longer seen."""
        return state if state.is_clean else self._replace(self._swept(state))

    def _versions(self, state: State, paths: Sequence[str]) -> tuple[str, ...]:
        """What is stored now of these documents."""
        found: list[str] = []
        for first in range(0, len(paths), _PATHS_AT_ONCE):
            some = list(paths[first : first + _PATHS_AT_ONCE])
            conditions = [{"term": {"kind": DOCUMENT}}, {"terms": {"path": some}}]
            body = {
                "query": {"bool": {"filter": conditions, "must_not": state.hidden()}},
                "size": len(some),
                "_source": False,
            }
            answer = self._cluster.write(partial(self._find, body))
            found += [hit["_id"] for hit in answer["hits"]["hits"]]
        return tuple(found)

    def _find(self, body: Mapping[str, Any]) -> ObjectApiResponse[Any]:
        return self._cluster.client.search(
            index=self._alias, body=dict(body), allow_partial_search_results=False
        )

    def _swept(self, state: State) -> State:
        """The state to come, after what is not seen has been deleted."""
        if not state.is_clean:
            self._refresh()
            query = {"bool": {"should": state.hidden(), "minimum_should_match": 1}}
            self._cluster.write(partial(self._delete, query))
        return state.after_sweep()

    def _delete(self, query: Mapping[str, Any]) -> None:
        """Delete all that a query finds; what is left would be seen again, so look whether it is gone."""
        client = self._cluster.client
        client.delete_by_query(index=self._alias, query=query, conflicts="proceed", refresh=True)
        left = client.count(index=self._alias, query=query)
        if left["count"]:
            raise error_of(left.meta, _TRY_AGAIN, {"error": {"reason": "not everything could be deleted"}})

    def _records(
        self, state: State, documents: Sequence[Document], vectors: Mapping[str, Vector]
    ) -> Iterator[Record]:
        for document in documents:
            self._lease.check()
            yield from records_of(document, self._id, vectors, state.form)

    def _refresh(self) -> None:
        self._cluster.write(self._refresh_all)

    def _refresh_all(self) -> None:
        """Make what was written searchable, on every copy: one that lags would show half of it."""
        answer = self._cluster.client.indices.refresh(index=self._alias)
        if answer["_shards"]["failed"]:
            raise error_of(answer.meta, _TRY_AGAIN, {"error": {"reason": "a copy could not be refreshed"}})

    def _replace(self, state: State) -> State:
        self._lease.check()
        return replace_state(self._cluster, self._alias, state)
