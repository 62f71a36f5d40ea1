"""The Elasticsearch that tests use: one that the environment names, or a local one of their own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from retrieval.elasticsearch import Cluster, ClusterSettings, connect
from scripts import local_elasticsearch

_END_SECONDS = 60
_SCRIPT = Path(__file__).parents[1] / "scripts" / "elasticsearch.sh"


@dataclass(frozen=True)
class LocalServer:
    """A server that only tests use, so that they may stop it."""

    environment: Mapping[str, str]

    def run(self, command: str) -> None:
        """`start` or `stop` it."""
        done = subprocess.run(
            [_SCRIPT, command], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.fail(f"Elasticsearch did not {command}: {done.stderr}")

    def kill(self) -> None:
        """End it without a warning, as a loss of power would."""
        server = local_elasticsearch.here(self.environment)
        pid = local_elasticsearch.running(server)
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        deadline = time.monotonic() + _END_SECONDS
        while local_elasticsearch.is_taken(server.port):  # what it held in memory is given back first
            assert time.monotonic() < deadline, f"port {server.port} is still in use"
            time.sleep(0.1)

    def settings(self) -> ClusterSettings:
        """How to reach it with the restricted key."""
        server = local_elasticsearch.here(self.environment)
        return ClusterSettings(server.url, server.key_file.read_text(encoding="utf-8"))


@contextmanager
def local_server(outside: Mapping[str, str]) -> Iterator[LocalServer]:
    """A local server with an empty data folder, removed afterwards; skips where it cannot be had."""
    if reason := _missing(outside):
        pytest.skip(reason)
    cache = local_elasticsearch.here(outside).cache
    _clear_up(cache)
    state = cache / f"test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    own = {
        "PYTHON": sys.executable,
        "ELASTICSEARCH_STATE": str(state),
        "ELASTICSEARCH_PORT": str(_free_port()),
    }
    server = LocalServer({**outside, **own})
    try:
        server.run("start")
        yield server
    finally:
        server.run("stop")
        shutil.rmtree(state, ignore_errors=True)


@contextmanager
def cluster_for_tests(outside: Mapping[str, str]) -> Iterator[Cluster]:
    """The cluster that the environment names, or a local one; what tests made there is deleted."""
    if url := outside.get("DOMAINQA_ELASTICSEARCH_URL"):
        with _own_part(ClusterSettings(url, outside.get("DOMAINQA_ELASTICSEARCH_API_KEY", ""))) as cluster:
            yield cluster
        return
    with local_server(outside) as server, _own_part(server.settings()) as cluster:
        yield cluster


@contextmanager
def _own_part(settings: ClusterSettings) -> Iterator[Cluster]:
    """The cluster with a prefix that nobody else uses, within what the key allows."""
    cluster = connect(replace(settings, prefix=f"domainqa-test-{uuid.uuid4().hex[:8]}-", patience=5.0))
    yield cluster
    clear(cluster)


def clear(cluster: Cluster) -> None:
    """Delete all indices under the cluster's prefix."""
    for index in cluster.client.indices.get_alias(index=f"{cluster.settings.prefix}*").body:
        cluster.client.indices.delete(index=index)


def _clear_up(cache: Path) -> None:
    """Stop and remove the servers of test runs that were killed."""
    for state in cache.glob("test-*-*"):
        if not Path(f"/proc/{state.name.split('-')[1]}").exists():
            local_elasticsearch.stop(local_elasticsearch.Server(cache, state, 0, ""))
            shutil.rmtree(state, ignore_errors=True)


def _missing(outside: Mapping[str, str]) -> str:
    """What a local server lacks on this machine; "" if nothing."""
    if not local_elasticsearch.here(outside).program.exists() and shutil.which("mvn") is None:
        return "Elasticsearch is not there, nor Maven (mvn) to download it"
    if local_elasticsearch.newest_java() is None:
        return f"there is no Java {local_elasticsearch.OLDEST_JAVA} or newer for Elasticsearch"
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
