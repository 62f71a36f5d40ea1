"""The index in Elasticsearch: the contract, and what only it promises."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from knowledge_base.errors import InputError, MismatchError
from retrieval.elasticsearch import Cluster, ElasticsearchHome, ElasticsearchIndex
from retrieval.elasticsearch.cluster import ClusterSettings
from retrieval.elasticsearch.layout import ADDED_FIELDS, alias_of, mappings
from retrieval.elasticsearch.state import read_state, replace_state
from tests.contracts.index_contract import ALL, FEES, LOANS, IndexContract, documents_of
from tests.fakes import FakeEmbedder, a_document

CHUNKING = {"tokens": 200, "overlap": 0}


class TestElasticsearchIndex(IndexContract):
    @pytest.fixture
    def index(self, home: ElasticsearchHome) -> Iterator[ElasticsearchIndex]:
        index = home.create("bank", FakeEmbedder(), CHUNKING)
        yield index
        index.close()


@pytest.fixture
def embedder() -> FakeEmbedder:
    return FakeEmbedder()


@pytest.fixture
def index(home: ElasticsearchHome, embedder: FakeEmbedder) -> ElasticsearchIndex:
    return home.create("bank", embedder, CHUNKING)


def stored(cluster: Cluster) -> int:
    """Records of documents and passages that are there, seen or not."""
    alias = alias_of(cluster.settings.prefix, "bank")
    cluster.client.indices.refresh(index=alias)
    query = {"terms": {"kind": ["document", "passage"]}}
    return int(cluster.client.count(index=alias, query=query)["count"])


def test_a_vector_is_computed_once_for_a_text(index: ElasticsearchIndex, embedder: FakeEmbedder) -> None:
    index.add([a_document("a.txt", ["one", "two"]), a_document("b.txt", ["two", "three"])])
    assert sorted(embedder.texts) == ["one", "three", "two"]
    assert embedder.calls == 1
    index.add([a_document("a.txt", ["one", "four"])])
    assert embedder.texts[3:] == ["four"]


def test_a_renamed_file_finds_its_vectors_until_they_are_collected(
    index: ElasticsearchIndex, embedder: FakeEmbedder, elasticsearch: Cluster
) -> None:
    index.add([a_document("old.txt", ["one", "two"])])
    index.delete(["old.txt"])
    index.add([a_document("new.txt", ["one", "two"])])
    assert embedder.calls == 1
    index.delete(["new.txt"])
    index.compact()
    assert stored(elasticsearch) == 0


def test_the_vectors_that_come_back_are_those_that_were_stored(
    home: ElasticsearchHome, index: ElasticsearchIndex, embedder: FakeEmbedder
) -> None:
    index.add(ALL)
    with home.reading("bank") as reading:
        found = list(reading.everything())
    assert [document for document, _ in found] == list(ALL)
    for document, vectors in found:
        texts = [passage.indexed_text for passage in document.passages]
        assert np.array_equal(vectors, embedder.embed(texts, "passage"))


def test_another_embedder_or_chunking_is_refused(home: ElasticsearchHome, index: ElasticsearchIndex) -> None:
    index.add([FEES])
    with pytest.raises(MismatchError, match="--rebuild"):
        home.create("bank", FakeEmbedder("other"))
    with pytest.raises(MismatchError, match="up to 200 tokens, not 100"):
        home.create("bank", FakeEmbedder(), {"tokens": 100, "overlap": 0})
    assert home.create("bank", FakeEmbedder()).document(FEES.path) == FEES


def test_chunking_is_remembered_by_the_first_who_says_it(home: ElasticsearchHome) -> None:
    home.create("later", FakeEmbedder())
    home.create("later", FakeEmbedder(), CHUNKING)
    with pytest.raises(MismatchError):
        home.create("later", FakeEmbedder(), {"tokens": 1})


def test_a_document_of_a_later_change_has_a_date_or_nothing_is_stored(index: ElasticsearchIndex) -> None:
    with pytest.raises(InputError, match="YYYY-MM-DD"):
        index.add([FEES, a_document("bad.txt", ["x"], modified="yesterday")])
    assert index.catalogue() == {}


def test_many_documents_are_paged_through(index: ElasticsearchIndex) -> None:
    documents = documents_of(1200, passages=1)
    index.add(documents)
    assert list(index.catalogue()) == sorted(document.path for document in documents)
    (found,) = index.search(["unique0777"], 5)
    assert found.lexical[0].passage.text.startswith("unique0777")
    index.delete([document.path for document in documents[:1100]])
    assert len(index.catalogue()) == 100


def test_a_long_document_comes_back_whole(index: ElasticsearchIndex) -> None:
    (long,) = documents_of(1, passages=1001)
    index.add([long])
    assert index.document(long.path) == long


def test_a_field_that_is_not_ours_is_refused(index: ElasticsearchIndex, elasticsearch: Cluster) -> None:
    alias = alias_of(elasticsearch.settings.prefix, "bank")
    with pytest.raises(Exception, match="strict_dynamic_mapping_exception"):
        elasticsearch.client.index(index=alias, document={"surprise": 1})


def test_a_revision_is_never_used_twice_even_by_another_collection_of_that_name(
    home: ElasticsearchHome, index: ElasticsearchIndex
) -> None:
    index.add([FEES])
    before = index.revision
    home.delete("bank")
    assert home.create("bank", FakeEmbedder()).revision > before


def test_sweeping_leaves_the_revision(index: ElasticsearchIndex, elasticsearch: Cluster) -> None:
    index.add([FEES])
    index.add([FEES])
    before = index.revision
    assert stored(elasticsearch) == 6
    index.compact()
    assert stored(elasticsearch) == 3
    assert index.revision == before
    state = read_state(elasticsearch, alias_of(elasticsearch.settings.prefix, "bank"))
    assert state is not None
    assert state.is_clean


def test_an_index_of_an_earlier_version_takes_the_new_fields(
    home: ElasticsearchHome, elasticsearch: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def earlier(dimension: int, settings: ClusterSettings) -> dict[str, Any]:
        made = mappings(dimension, settings)
        for field in ADDED_FIELDS:
            del made["properties"][field]
        return made

    monkeypatch.setattr("retrieval.elasticsearch.home.mappings", earlier)
    index = home.create("bank", FakeEmbedder(), CHUNKING)
    index.add([LOANS])
    assert index.document(LOANS.path) == LOANS


def test_a_collection_of_an_earlier_version_keeps_its_form_of_terms(
    index: ElasticsearchIndex, elasticsearch: Cluster
) -> None:
    alias = alias_of(elasticsearch.settings.prefix, "bank")
    state = read_state(elasticsearch, alias)
    assert state is not None
    replace_state(elasticsearch, alias, replace(state, analysis=1, last="earlier"))
    index.add([a_document("old.txt", ["個人住房貸款"])])
    (found,) = index.search(["個人住房貸款"], 3)
    assert found.lexical[0].passage.document == "old.txt"
    assert index.search(["个人"], 3)[0].lexical[0].score < found.lexical[0].score
