"""Generators behind LangChain: the contract through a real provider, and what goes wrong on the way."""

import threading
import time
from collections.abc import Iterator

import pytest

from answering.generation.langchain import LangChainGenerator, open_langchain
from answering.generation.protocol import Generator
from knowledge_base.errors import InputError, NotFoundError, SettingsError, UnavailableError
from tests.contracts.generator_contract import GeneratorContract, asked, written
from tests.fakes import FakeGenerator
from tests.openai_server import BASE, OpenAIServer


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAIServer]:
    with OpenAIServer(FakeGenerator(context=200)) as server:
        yield server


@pytest.fixture
def server(running: OpenAIServer) -> OpenAIServer:
    running.reset()
    return running


@pytest.fixture
def generator(server: OpenAIServer) -> LangChainGenerator:
    return open_langchain(
        f"openai:{BASE}",
        base_url=server.url,
        api_key="sk-secret-key",
        stream_usage=True,
        max_retries=0,
    )


class TestContract(GeneratorContract):
    @pytest.fixture
    def adapter(self) -> str:
        return "bank"

    def test_an_unknown_adapter_is_named_with_the_known_ones(
        self, generator: Generator, adapter: str
    ) -> None:
        with pytest.raises(NotFoundError, match=f'no adapter named "{adapter}"'):
            written(generator, asked(adapter=adapter))

    def test_a_known_adapter_answers(self, generator: Generator, adapter: str) -> None:
        """No provider knows one."""


def test_it_is_a_model_that_chats_and_says_what_it_is(generator: LangChainGenerator) -> None:
    assert generator.chats
    assert generator.describe() == f"openai:{BASE} through LangChain; tokens are estimated"


@pytest.mark.parametrize(("said", "finish"), [("stop", "stop"), ("length", "length")])
def test_why_an_answer_ended_is_known(
    server: OpenAIServer, generator: LangChainGenerator, said: str, finish: str
) -> None:
    server.behaviour.finish = said
    stream = generator.stream(asked())
    with pytest.raises(StopIteration) as end:
        while True:
            next(stream)
    assert end.value.value == finish


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (400, InputError, "rejects the request"),
        (401, UnavailableError, "refuses the key"),
        (429, UnavailableError, "not now"),
        (500, UnavailableError, "not now"),
    ],
)
def test_errors_of_the_provider_are_ours_without_the_key(
    server: OpenAIServer, generator: LangChainGenerator, status: int, error: type[Exception], message: str
) -> None:
    server.behaviour.refusals.append((status, {}))
    with pytest.raises(error, match=message) as caught:
        written(generator, asked())
    assert "sk-" not in str(caught.value)
    assert written(generator, asked()), "the next question is answered"


def test_a_server_that_is_away_or_breaks_off_is_said(
    server: OpenAIServer, generator: LangChainGenerator
) -> None:
    server.behaviour.drops_after = 1
    with pytest.raises(UnavailableError, match=f"openai:{BASE} failed"):
        written(generator, asked())
    server.stop()
    with pytest.raises(UnavailableError, match=f"openai:{BASE} failed"):
        written(generator, asked())


def test_cancelling_does_not_wait_for_the_provider(
    server: OpenAIServer, generator: LangChainGenerator
) -> None:
    server.behaviour.delay = 30
    over = threading.Event()
    reader = threading.Thread(target=lambda: list(generator.stream(asked(), over.is_set)))
    before = len(server.asked)
    reader.start()
    end = time.monotonic() + 20
    while len(server.asked) == before:
        assert time.monotonic() < end
        time.sleep(0.01)
    over.set()
    reader.join(5)
    assert not reader.is_alive()


@pytest.mark.parametrize(
    ("name", "cause", "remedy"),
    [
        ("anthropic:claude", "langchain-anthropic", "pip install 'langchain-anthropic'"),
        ("ollama:qwen3:8b", "langchain-ollama", "pip install 'langchain-ollama'"),
        ("deepseek:deepseek-chat", "langchain-deepseek", "pip install 'langchain-deepseek'"),
        ("nosuch:model", "Unsupported provider", "Correct generator"),
        ("openai", "names no provider and model", "langchain:PROVIDER:MODEL"),
        (":x", "names no provider and model", "langchain:PROVIDER:MODEL"),
    ],
)
def test_what_is_missing_is_named_with_the_repair(name: str, cause: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_langchain(name)
    assert cause in caught.value.cause
    assert remedy in caught.value.remedy


def test_missing_credentials_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="cannot be set up") as caught:
        open_langchain("openai:gpt")
    assert "credentials" in caught.value.remedy
