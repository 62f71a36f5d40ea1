"""A server of OpenAI's protocol, and generators that speak to it without long pauses."""

from collections.abc import Callable, Iterator

import pytest

from answering.generation.remote.client import RetryPolicy, breaker_of
from answering.generation.remote.endpoint import Endpoint
from answering.generation.remote.generator import RemoteGenerator, open_remote
from tests.fakes import FakeGenerator
from tests.openai_server import BASE, OpenAIServer

Open = Callable[..., RemoteGenerator]
HASTY = RetryPolicy(attempts=3, first_seconds=0.001)


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with OpenAIServer(FakeGenerator(adapters=["bank"], context=200)) as server:
        yield server


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    """The server as if it had just been started."""
    running.reset()
    breaker_of.cache_clear()
    return running


@pytest.fixture
def opened(server: OpenAIServer) -> Open:
    def opened(**changed: object) -> RemoteGenerator:
        return open_remote(Endpoint(**({"url": server.url, "model": BASE} | changed)), HASTY)  # type: ignore[arg-type]

    return opened
