"""Many records in requests of a bearable size; each can be sent again without harm."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from retrieval.elasticsearch.cluster import Cluster
from retrieval.elasticsearch.failures import refused

_MOST_BYTES = 8_000_000
_MOST_RECORDS = 500

Record = tuple[str, Mapping[str, Any]]


def store(cluster: Cluster, alias: str, records: Iterator[Record]) -> None:
    """Store records under their ids. Raises what `failures.translated` names for the first that fails."""
    for lines in _requests(records):
        cluster.write(partial(_send, cluster, alias, lines))


def _send(cluster: Cluster, alias: str, lines: list[bytes]) -> None:
    answer = cluster.client.bulk(index=alias, operations=lines, require_alias=True)  # type: ignore[arg-type]  # encoded already
    if not answer["errors"]:
        return
    results = [item["index"] for item in answer["items"]]
    failed = next(result for result in results if "error" in result)
    raise refused(answer.meta, int(failed["status"]), failed)


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
