"""A server in a thread of the test's own process, a client of it, and its jobs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from app.server import Server
from app.settings import Settings
from tests.fake_workspace import FakeWorkspace


@contextmanager
def served(workspace: FakeWorkspace, settings: Settings) -> Iterator[str]:
    """The address of a server, which ends with the block."""
    server = Server(workspace, settings)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda _: ready.set(),), daemon=True)
    thread.start()
    try:
        assert ready.wait(120)
        yield server.address
    finally:
        server.stop()
        thread.join(20)
    assert not thread.is_alive()


@contextmanager
def client_of(workspace: FakeWorkspace, settings: Settings) -> Iterator[httpx.Client]:
    """A client of a server, without any key."""
    with served(workspace, settings) as address:
        here = address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - where it listens is tested
        with httpx.Client(base_url=here, timeout=60) as client:
            yield client


def finished(site: httpx.Client, job: str) -> dict[str, Any]:
    """A job when it has ended."""
    for _ in range(200):
        told: dict[str, Any] = site.get(f"/v1/jobs/{job}").json()
        if told["state"] in {"done", "failed"}:
            return told
        time.sleep(0.05)
    raise AssertionError(told)
