"""The fake index keeps the contract that it stands in for."""

import numpy as np
import pytest

from tests.contracts.generator_contract import GeneratorContract, ScorerContract
from tests.contracts.index_contract import IndexContract
from tests.fakes import FakeEmbedder, FakeGenerator, FakeIndex


class TestFakeIndex(IndexContract):
    @pytest.fixture
    def index(self) -> FakeIndex:
        return FakeIndex()


class TestFakeGenerator(GeneratorContract, ScorerContract):
    @pytest.fixture
    def generator(self) -> FakeGenerator:
        return FakeGenerator(adapters=["bank"], context=200, delay=0.001)

    @pytest.fixture
    def adapter(self) -> str:
        return "bank"


def test_the_fake_embedder_is_deterministic_and_gives_unit_vectors() -> None:
    texts = ["platinum card", "白金卡", ""]
    vectors = FakeEmbedder().embed(texts, "query")
    assert np.array_equal(vectors, FakeEmbedder().embed(texts, "passage"))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
