"""A server that is killed in the middle of a bulk load and started again."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_base.errors import UnavailableError
from retrieval.elasticsearch import ElasticsearchHome, connect
from tests.contracts.index_contract import documents_of
from tests.elasticsearch_server import LocalServer
from tests.fakes import FakeEmbedder

pytestmark = pytest.mark.heavy


def test_a_load_continues_when_the_server_is_back(elasticsearch_server: LocalServer, tmp_path: Path) -> None:
    """Nothing that was reported done is lost, and the process that loads need not be started again."""
    cluster = connect(replace(elasticsearch_server.settings(), patience=300.0))
    index = ElasticsearchHome(cluster, tmp_path).create("bank", FakeEmbedder())
    documents = documents_of(400)
    is_under_way, done = threading.Event(), []

    def load() -> None:
        for first in range(0, len(documents), 10):
            index.add(documents[first : first + 10])
            done.append(first)
            if len(done) == 5:
                is_under_way.set()

    loader = threading.Thread(target=load)
    loader.start()
    assert is_under_way.wait(120)
    elasticsearch_server.kill()
    elasticsearch_server.run("start")
    loader.join()
    assert len(done) == 40
    assert set(index.catalogue()) == {document.path for document in documents}
    (found,) = index.search(["unique0399"], 3)
    assert {hit.passage.document for hit in found.lexical} == {documents[399].path}


def test_an_impatient_load_names_the_server_and_keeps_what_was_done(
    elasticsearch_server: LocalServer, tmp_path: Path
) -> None:
    cluster = connect(replace(elasticsearch_server.settings(), patience=0.5))
    index = ElasticsearchHome(cluster, tmp_path).create("staff", FakeEmbedder())
    documents = documents_of(20)
    index.add(documents[:10])
    elasticsearch_server.kill()
    with pytest.raises(UnavailableError, match="Start it"):
        index.add(documents[10:])
    with pytest.raises(UnavailableError, match="Start it"):
        index.search(["unique0001"], 3)
    elasticsearch_server.run("start")
    assert set(index.catalogue()) == {document.path for document in documents[:10]}
    index.add(documents[10:])
    assert set(index.catalogue()) == {document.path for document in documents}
