"""Collections of a real cluster, each gone after its test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retrieval.elasticsearch import Cluster, ElasticsearchHome
from tests.elasticsearch_server import clear


@pytest.fixture
def home(elasticsearch: Cluster, tmp_path: Path) -> Iterator[ElasticsearchHome]:
    yield ElasticsearchHome(elasticsearch, tmp_path)
    clear(elasticsearch)
