"""The index in Elasticsearch: the contract, and what only it promises."""

from collections.abc import Iterator

import pytest

from retrieval.elasticsearch import ElasticsearchHome, ElasticsearchIndex
from tests.contracts.index_contract import IndexContract
from tests.fakes import FakeEmbedder

CHUNKING = {"max_tokens": 200, "overlap": 0}


class TestElasticsearchIndex(IndexContract):
    @pytest.fixture
    def index(self, home: ElasticsearchHome) -> Iterator[ElasticsearchIndex]:
        index = home.create("bank", FakeEmbedder(), CHUNKING)
        yield index
        index.close()
