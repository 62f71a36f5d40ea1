"""A server in a thread of the test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.page.service import Service
from app.server import Server
from app.settings import Settings


@contextmanager
def served(service: Service, settings: Settings) -> Iterator[httpx.Client]:
    """A client of it, without any key."""
    server = Server(service, settings)
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda _: ready.set(),), daemon=True)
    thread.start()
    assert ready.wait(120)
    address = server.address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - where it listens is tested
    with httpx.Client(base_url=address, timeout=60) as client:
        yield client
    server.stop()
    thread.join(15)
