"""The remote generator keeps the contract of generators, whatever its server can do."""

import pytest

from answering.generation.protocol import Scorer
from answering.generation.remote.generator import RemoteGenerator
from tests.answering.generation.remote.conftest import Open
from tests.contracts.generator_contract import GeneratorContract, ScorerContract
from tests.openai_server import OpenAIServer


class TestServerOfAll(GeneratorContract, ScorerContract):
    @pytest.fixture
    def generator(self, opened: Open) -> RemoteGenerator:
        return opened()

    @pytest.fixture
    def adapter(self) -> str:
        return "bank"


class TestServerOfTheLeast(GeneratorContract):
    """No tokenizer, no log-probabilities, as at Ollama."""

    @pytest.fixture
    def generator(self, server: OpenAIServer, opened: Open) -> RemoteGenerator:
        server.behaviour.tokenizes = server.behaviour.scores = False
        generator = opened()
        assert not isinstance(generator, Scorer)
        return generator

    @pytest.fixture
    def adapter(self) -> str:
        return "bank"
