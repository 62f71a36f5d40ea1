"""Several writers and readers of one collection in Elasticsearch, some of which die."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from knowledge_base.errors import BusyError
from retrieval.elasticsearch import Cluster, ElasticsearchHome, lease
from retrieval.elasticsearch.layout import alias_of
from tests.contracts.index_contract import FEES, LOANS
from tests.fakes import FakeEmbedder, a_document

# Says "ready" when it holds the collection, and then waits to be killed or told to go on.
WRITER = """
import json, sys
from pathlib import Path
from retrieval.elasticsearch import ClusterSettings, ElasticsearchHome, connect
from tests.contracts.index_contract import LOANS
from tests.fakes import FakeEmbedder

home = ElasticsearchHome(connect(ClusterSettings(**json.loads(sys.argv[1]))), Path("/nowhere"))
index = home.create("bank", FakeEmbedder())
with index.writing():
    print("ready", flush=True)
    sys.stdin.readline()
    index.add([LOANS])
"""


def writer(cluster: Cluster) -> subprocess.Popen[str]:
    """Another process that holds the collection."""
    settings = cluster.settings
    known = {"url": settings.url, "api_key": settings.api_key, "prefix": settings.prefix}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, json.dumps(known)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_the_second_writer_says_who_holds_it_waits_and_continues(
    home: ElasticsearchHome, elasticsearch: Cluster
) -> None:
    index = home.create("bank", FakeEmbedder())
    other = writer(elasticsearch)
    with (
        pytest.raises(BusyError, match=rf"being written by process {other.pid} \(.*\) on "),
        index.writing(0),
    ):
        pass
    told: list[str] = []

    def waiting(reason: str) -> None:
        told.append(reason)
        other.communicate("go on\n")

    with index.writing(60, waiting):
        index.add([FEES])
    assert "Waiting for it to finish" in told[0]
    assert set(index.catalogue()) == {FEES.path, LOANS.path}


def test_a_killed_writer_is_succeeded_at_once(home: ElasticsearchHome, elasticsearch: Cluster) -> None:
    index = home.create("bank", FakeEmbedder())
    other = writer(elasticsearch)
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    with index.writing(0):
        index.add([FEES])
    assert set(index.catalogue()) == {FEES.path}


def test_a_lease_that_was_taken_over_stops_the_one_who_slept(
    home: ElasticsearchHome, elasticsearch: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_LASTS_SECONDS", -1.0)  # as if it had slept through its time
    sleeper, other = (home.create("bank", FakeEmbedder()) for _ in range(2))
    with sleeper.writing(), other.writing(0):
        other.add([LOANS])
        with pytest.raises(BusyError, match="has begun to write"):
            _renew(sleeper)
            sleeper.add([FEES])
    assert set(home.create("bank", FakeEmbedder()).catalogue()) == {LOANS.path}


def _renew(index: object) -> None:
    """What its thread does from time to time."""
    held: lease.Lease = index._lease  # type: ignore[attr-defined]
    stopped = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "_RENEWED_EVERY_SECONDS", 0.0)
        held._keep(stopped)


def test_a_commit_on_a_state_that_has_changed_is_refused(
    home: ElasticsearchHome, elasticsearch: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state itself guards against two writers, should a lease ever fail to."""
    monkeypatch.setattr(lease, "_LASTS_SECONDS", -1.0)
    one, other = (home.create("bank", FakeEmbedder()) for _ in range(2))
    stale = one._state()
    with one.writing(), other.writing(0):
        other.add([LOANS])
        with pytest.raises(BusyError):
            one._change().put(stale, [FEES], one._vectors([FEES]))
    assert set(other.catalogue()) == {LOANS.path}


def test_readers_see_each_document_whole_while_it_is_replaced_again_and_again(
    home: ElasticsearchHome, elasticsearch: Cluster
) -> None:
    index = home.create("bank", FakeEmbedder())

    def version(number: int) -> list[str]:
        return [f"vault rule {number} part {part}" for part in range(4)]

    index.add([a_document("rules.txt", version(0))])
    stopped = threading.Event()
    wrong: list[object] = []

    def read() -> None:
        reader = home.create("bank", FakeEmbedder())
        while not stopped.is_set():
            (found,) = reader.search(["vault rule"], 20)
            for hits in (found.dense, found.lexical):
                numbers = {hit.passage.text.split()[2] for hit in hits}
                if len(hits) != 4 or len(numbers) != 1:
                    wrong.append(hits)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 6):
        index.add([a_document("rules.txt", version(number))])
        index.compact()
    stopped.set()
    reader.join()
    assert wrong == []


def test_writers_in_threads_take_turns(home: ElasticsearchHome) -> None:
    index = home.create("bank", FakeEmbedder())
    before = index.revision
    threads = [
        threading.Thread(target=index.add, args=([a_document(f"{n}.txt", [f"text {n}"])],)) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index.catalogue()) == 4
    assert index.revision == before + 4


def test_the_lease_is_free_after_use(home: ElasticsearchHome, elasticsearch: Cluster) -> None:
    index = home.create("bank", FakeEmbedder())
    index.add([FEES])
    alias = alias_of(elasticsearch.settings.prefix, "bank")
    assert elasticsearch.client.get(index=alias, id="lease")["_source"]["lease"] == {"owner": ""}
