"""The state of a collection: one small record whose replacement makes a change visible, all of it at once.

What is being written and what is to be deleted is in the index beside what is valid; the state names
both, and every search leaves them out. The record is read in real time and replaced only by whoever has seen
its last version.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from knowledge_base.errors import BusyError, NotFoundError
from retrieval.analysis import ANALYSIS_VERSION, fold, normalise
from retrieval.collections import Fingerprint, program_version, require_same
from retrieval.elasticsearch.cluster import Cluster

ID = "state"
# Changes of writers that died: their passages were deleted, and stay hidden should one still arrive.
_ABANDONED_KEPT = 100


@dataclass(frozen=True, slots=True)
class State:
    """One state of a collection.

    `pending` are changes that were started, `abandoned` those that will never be finished, `dead` the
    versions of documents that have been replaced or removed. `last` is the change that led here. `number` and
    `term` identify the record's version in Elasticsearch; `analysis` is the version of the indexed terms.
    """

    revision: int
    fingerprint: Fingerprint
    analysis: int = ANALYSIS_VERSION
    pending: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    dead: tuple[str, ...] = ()
    last: str = ""
    number: int = -1
    term: int = -1

    @property
    def form(self) -> Callable[[str], str]:
        """What texts of passages and questions go through; collections of earlier versions keep theirs."""
        return normalise if self.analysis > 1 else fold

    @property
    def is_clean(self) -> bool:
        """Whether nothing waits to be deleted."""
        return not self.pending and not self.dead

    def hidden(self) -> list[dict[str, Any]]:
        """The queries for what is stored and must not be seen."""
        changes = [*self.pending, *self.abandoned]
        found = (("change", changes), ("version", list(self.dead)))
        return [{"terms": {field: values}} for field, values in found if values]

    def after_sweep(self) -> "State":
        """The state after what was pending and dead has been deleted."""
        return replace(
            self, pending=(), dead=(), abandoned=(*self.abandoned, *self.pending)[-_ABANDONED_KEPT:]
        )

    def after_begin(self, change: str) -> "State":
        """The state in which the passages of a change may be written without being seen."""
        return replace(self, pending=(*self.pending, change), last=change)

    def after_commit(self, change: str, dead: tuple[str, ...]) -> "State":
        """The state that shows a change and no longer shows what it replaced."""
        pending = tuple(other for other in self.pending if other != change)
        last = f"{change} committed"
        return replace(self, revision=self.revision + 1, pending=pending, dead=(*self.dead, *dead), last=last)

    def with_chunking(self, chunking: str) -> "State":
        """The state of a collection whose chunking is known from now on."""
        fingerprint = Fingerprint(
            self.fingerprint.embedder, self.fingerprint.digest, self.fingerprint.dimension, chunking
        )
        return replace(self, fingerprint=fingerprint, last=f"chunking {chunking}")


def read_state(cluster: Cluster, alias: str) -> State | None:
    """The state of the collection behind an alias; None where there is none."""
    try:
        return cluster.read(lambda: state_of(cluster.client.get(index=alias, id=ID).body))
    except NotFoundError:
        return None


def first_state(cluster: Cluster, alias: str, fingerprint: Fingerprint, revision: int | None = None) -> State:
    """The state of a collection, written down if it has none yet.

    The first revision is the time in milliseconds: a collection that is deleted and made again never has
    one that was seen before.
    """
    fresh = State(time.time_ns() // 1_000_000 if revision is None else revision, fingerprint)
    return replace_state(cluster, alias, fresh)


def replace_state(cluster: Cluster, alias: str, state: State) -> State:
    """Write a state in place of the version that it was made from; BusyError if somebody else has written.

    A first state that somebody else has written already is taken over.
    """
    body = {"kind": ID, "state": _body(state)}
    condition: dict[str, Any] = {"if_seq_no": state.number, "if_primary_term": state.term}
    if state.number < 0:
        condition = {"op_type": "create"}
    with suppress(BusyError):  # also where only the answer to a first try was lost: what is written tells
        cluster.write(
            lambda: cluster.client.index(index=alias, id=ID, document=body, require_alias=True, **condition)
        )
    written = read_state(cluster, alias)
    if written is None or (state.number >= 0 and written.last != state.last):
        raise BusyError(
            "Another process has changed the collection at the same time.", "Run the command again."
        )
    return written


def adopt_fingerprint(cluster: Cluster, alias: str, name: str, fingerprint: Fingerprint) -> State:
    """The state of a collection that is used with `fingerprint`; MismatchError if it was made otherwise."""
    state = read_state(cluster, alias) or first_state(cluster, alias, fingerprint)
    require_same(name, state.fingerprint, fingerprint)
    if fingerprint.chunking and not state.fingerprint.chunking:
        state = replace_state(cluster, alias, state.with_chunking(fingerprint.chunking))
        require_same(name, state.fingerprint, fingerprint)
    return state


def state_of(record: Mapping[str, Any]) -> State:
    """The state in an answer of Elasticsearch."""
    body = dict(record["_source"]["state"])
    fingerprint = Fingerprint(**body["maker"])
    return State(
        revision=int(body["generation"]),
        fingerprint=fingerprint,
        analysis=int(body.get("analysis", 1)),
        pending=tuple(body["pending"]),
        abandoned=tuple(body["abandoned"]),
        dead=tuple(body["dead"]),
        last=str(body["last"]),
        number=int(record["_seq_no"]),
        term=int(record["_primary_term"]),
    )


def _body(state: State) -> dict[str, Any]:
    """The record of a state; two fields keep the names that collections of earlier versions have."""
    body = asdict(state)
    del body["number"], body["term"]
    stored_names = {"generation": body.pop("revision"), "maker": body.pop("fingerprint")}
    return {**body, **stored_names, "program": program_version()}
