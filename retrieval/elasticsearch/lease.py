"""One writer at a time per collection, on any machine: a lease in the index that runs out with its holder."""

import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from elastic_transport import ObjectApiResponse

from knowledge_base.errors import BusyError, DomainqaError, NotFoundError
from retrieval.collections import OnWait, ignore_wait
from retrieval.elasticsearch.cluster import Cluster

ID = "lease"

Body = Mapping[str, Any]
# How long a call is made again: `Cluster.read` or `Cluster.write`.
Caller = Callable[[Callable[[], ObjectApiResponse[Any]]], ObjectApiResponse[Any]]

_LASTS_SECONDS = 30.0
_RENEWED_EVERY_SECONDS = 8.0
_POLL_SECONDS = 0.2
_COMMAND_LENGTH = 120
_AGAIN = "Wait until it has finished, then run the command again."


class Lease:
    """The right to write one collection; re-entrant in a thread, exclusive between threads.

    A thread renews it while it is held. It is taken over when it has run out (the clocks of the machines
    should agree to some seconds), or at once when its holder was a process of this machine that is no more.
    """

    def __init__(self, cluster: Cluster, alias: str, name: str) -> None:
        self._cluster = cluster
        self._alias = alias
        self._name = name
        self._threads = threading.RLock()
        self._depth = 0
        self._owner = ""
        self._version: dict[str, int] = {}
        self._lost = False
        self._stopped = threading.Event()
        self._writes = threading.Lock()

    @contextmanager
    def acquire(self, wait_seconds: float = 0.0, on_wait: OnWait = ignore_wait) -> Iterator[None]:
        """Hold the lease during the block.

        Raises:
            BusyError: somebody else still holds it after `wait_seconds`; names process, command, machine.
        """
        self._take(wait_seconds, on_wait)
        try:
            yield
        finally:
            self._release()

    def check(self) -> None:
        """BusyError if the lease was lost since it was taken: this process slept or was cut off too long."""
        if self._lost:
            raise BusyError(
                f"Another process has begun to write the collection {self._name}, because this "
                "one did not respond in time.",
                "Run the command again; what was reported done is kept.",
            )

    def _take(self, wait_seconds: float, on_wait: OnWait) -> None:
        deadline = time.monotonic() + wait_seconds
        has_waited = False
        while (holder := self._take_now()) is not None:
            if time.monotonic() >= deadline:
                raise BusyError(f"{holder}.", _AGAIN)
            if not has_waited:
                on_wait(f"{holder}. Waiting for it to finish.")
                has_waited = True
            time.sleep(_POLL_SECONDS)

    def _take_now(self) -> str | None:
        """Take the lease; returns who holds it where that is not possible."""
        if not self._threads.acquire(blocking=False):
            return f"The collection {self._name} is being written by another thread of this process"
        try:
            holder = None if self._depth else self._take_record()
        except BaseException:
            self._threads.release()
            raise
        if holder is not None:
            self._threads.release()
            return holder
        self._depth += 1
        return None

    def _take_record(self) -> str | None:
        found = self._read()
        if found is not None and not _is_free(found["_source"]["lease"]):
            return f"The collection {self._name} is being written by {found['_source']['lease']['who']}"
        self._owner = uuid.uuid4().hex
        condition: dict[str, Any] = {"op_type": "create"}
        if found is not None:
            condition = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        if not self._write(_claim(self._owner), condition, self._cluster.write):
            return f"The collection {self._name} is being written by another process"
        self._lost = False
        self._stopped = threading.Event()
        threading.Thread(target=self._keep, args=(self._stopped,), name="lease", daemon=True).start()
        return None

    def _keep(self, stopped: threading.Event) -> None:
        """Renew until stopped. While the cluster is away this goes on trying; the lease may still be ours."""
        while not stopped.wait(_RENEWED_EVERY_SECONDS):
            with suppress(DomainqaError), self._writes:
                if stopped.is_set():
                    return
                if not self._write(_claim(self._owner), self._version, self._cluster.read):
                    self._lost = True
                    return

    def _release(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            with suppress(DomainqaError), self._writes:  # where this fails, it runs out by itself
                self._stopped.set()
                self._write({"owner": ""}, self._version, self._cluster.read)
        self._threads.release()

    def _read(self) -> dict[str, Any] | None:
        try:
            return dict(self._cluster.write(lambda: self._cluster.client.get(index=self._alias, id=ID)).body)
        except NotFoundError:
            return None

    def _write(self, body: Body, condition: Mapping[str, Any], patiently: Caller) -> bool:
        """Replace the record on a condition; False if somebody else has it now."""
        record = {"kind": ID, "lease": body}
        write = partial(self._cluster.client.index, index=self._alias, id=ID, require_alias=True)
        try:
            answer = patiently(lambda: write(document=record, **condition)).body
        except BusyError:  # also where only the answer to a first try was lost
            answer = self._read() or {}
            if answer.get("_source", {}).get("lease", {}).get("owner") != body["owner"]:
                return False
        self._version = {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]}
        return True


def _claim(owner: str) -> Body:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:_COMMAND_LENGTH]
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return {
        "owner": owner,
        "who": f"process {os.getpid()} ({command}) on {socket.gethostname()}, seen {since}",
        "machine": _machine(),
        "pid": os.getpid(),
        "until": time.time() + _LASTS_SECONDS,
    }


def _is_free(lease: Body) -> bool:
    if not lease["owner"] or time.time() > lease["until"]:
        return True
    return bool(lease["machine"]) and lease["machine"] == _machine() and not _is_alive(lease["pid"])


def _machine() -> str:
    """What is the same for all processes that see each other's numbers, and for no others; "" if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
