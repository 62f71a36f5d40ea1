"""Adapters at a server: loaded under their names, kept in bounds, and found again when they are lost."""

from pathlib import Path

import pytest

from answering.generation.remote.adapters import RemoteAdapters
from answering.generation.remote.client import Client, RetryPolicy
from answering.generation.remote.endpoint import Endpoint
from finetune.registry.serving import AdapterHost
from knowledge_base.errors import ModelError, NotFoundError, UnavailableError
from tests.answering.generation.remote.conftest import Open
from tests.contracts.generator_contract import asked, written
from tests.openai_server import BASE, OpenAIServer

LOADED, UNLOADED = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"


@pytest.fixture
def server(server: OpenAIServer) -> OpenAIServer:
    server.behaviour.loads = True
    return server


@pytest.fixture
def two(server: OpenAIServer) -> RemoteAdapters:
    """Keeps two adapters loaded."""
    return RemoteAdapters(Client(Endpoint(server.url, BASE), RetryPolicy(attempts=1)), kept=2)


def test_an_adapter_is_loaded_once_under_its_name_and_answers(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    assert isinstance(generator, AdapterHost)
    assert generator.base is None
    for _ in range(2):
        generator.add_adapter("bank@3", Path("/adapters/bank/3"), "a")
        assert written(generator, asked(adapter="bank@3"))
    assert server.adapters == {"bank@3": "/adapters/bank/3"}
    assert server.asked[-1]["model"] == "bank@3"
    assert server.called.count(LOADED) == 1


def test_an_adapter_that_the_server_lists_is_used_as_it_is(server: OpenAIServer, opened: Open) -> None:
    server.behaviour.loads = False
    generator = opened()
    generator.add_adapter("bank", Path("/adapters/bank"), "a")
    assert written(generator, asked(adapter="bank"))
    assert LOADED not in server.called


def test_a_server_that_neither_lists_nor_loads_it_is_reported_with_the_remedy(
    server: OpenAIServer, opened: Open
) -> None:
    server.behaviour.loads = False
    with pytest.raises(NotFoundError, match="bank@3") as caught:
        opened().add_adapter("bank@3", Path("/adapters/bank/3"), "a")
    assert "--lora-modules bank@3=/adapters/bank/3" in caught.value.remedy


def test_another_version_of_a_name_takes_its_place(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    generator.add_adapter("fees", Path("/one"), "a")
    generator.add_adapter("fees", Path("/two"), "b")
    assert server.adapters == {"fees": "/two"}


def test_the_least_recently_used_is_unloaded_and_comes_back(
    server: OpenAIServer, two: RemoteAdapters
) -> None:
    two.add("bank@1", Path("/1"), "a")
    two.add("bank@2", Path("/2"), "b")
    two.prepare("bank@1")
    two.add("bank@3", Path("/3"), "c")
    assert set(server.adapters) == {"bank@1", "bank@3"}
    two.prepare("bank@2")
    assert set(server.adapters) == {"bank@2", "bank@3"}
    assert server.called.count(UNLOADED) == 2


def test_adapters_of_others_are_left_alone(server: OpenAIServer, two: RemoteAdapters) -> None:
    two.prepare("bank")
    for number in range(3):
        two.add(f"fees@{number}", Path("/fees"), "a")
    two.prepare("bank")
    assert set(server.adapters) == {"fees@1", "fees@2"}


def test_an_adapter_that_the_server_lost_is_loaded_again(server: OpenAIServer, opened: Open) -> None:
    generator = opened()
    generator.add_adapter("bank@3", Path("/adapters/bank/3"), "a")
    server.forget("bank@3")
    assert written(generator, asked(adapter="bank@3"))
    server.forget("bank@3")
    assert len(generator.logprobs([asked(adapter="bank@3")], "Not")) == 1  # type: ignore[attr-defined]
    assert server.called.count(LOADED) == 3


def test_an_adapter_that_cannot_be_loaded_is_reported_with_the_servers_words(
    server: OpenAIServer, opened: Open
) -> None:
    server.behaviour.cannot_load = "LoRA rank 64 is greater than max_lora_rank 16"
    with pytest.raises(ModelError, match="bank@3.*rank 64") as caught:
        opened().add_adapter("bank@3", Path("/adapters/bank/3"), "a")
    assert "/adapters/bank/3" in caught.value.remedy


def test_a_server_that_is_away_is_not_taken_for_one_without_the_adapter(
    server: OpenAIServer, opened: Open
) -> None:
    generator = opened()
    server.stop()
    with pytest.raises(UnavailableError, match="does not answer"):
        generator.add_adapter("bank@3", Path("/adapters/bank/3"), "a")
    server.start()
    generator.add_adapter("bank@3", Path("/adapters/bank/3"), "a")
    assert written(generator, asked(adapter="bank@3"))
