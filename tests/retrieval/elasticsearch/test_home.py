"""The collections of a cluster, and the names of their indices."""

from pathlib import Path

import pytest

from knowledge_base.errors import BusyError, InputError, MismatchError, NotFoundError
from retrieval.elasticsearch import Cluster, ElasticsearchHome, ElasticsearchIndex
from retrieval.elasticsearch.layout import alias_of, name_of
from tests.contracts.index_contract import ALL, CHINESE, FEES
from tests.fakes import FakeEmbedder, a_document


def filled(home: ElasticsearchHome, name: str = "bank") -> ElasticsearchIndex:
    index = home.create(name, FakeEmbedder())
    index.add(ALL)
    return index


def indices(cluster: Cluster) -> list[str]:
    return sorted(cluster.client.indices.get_alias(index=f"{cluster.settings.prefix}*").body)


@pytest.mark.parametrize(
    ("name", "alias"),
    [("bank", "p-bank"), ("港湾银行", "p-港湾银行"), ("Bank.V1", "p-+bank.+v1"), ("É_x-7", "p-+é_x-7")],
)
def test_names_are_mapped_there_and_back(name: str, alias: str) -> None:
    assert alias_of("p-", name) == alias
    assert name_of("p-", alias) == name


def test_names_of_others_are_not_taken_for_ours() -> None:
    assert name_of("p-", "q-bank") is None
    assert name_of("p-", "p-bank~rebuild") is None


@pytest.mark.parametrize("name", ["", "a/b", "a*", "x" * 65, "𠮷" * 64, "İ"])
def test_names_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        alias_of("domainqa-", name)


def test_collections_are_made_listed_and_opened(home: ElasticsearchHome, elasticsearch: Cluster) -> None:
    assert home.names() == []
    for name in ("bank", "Bank", "港湾银行", "bank-v1"):
        home.create(name, FakeEmbedder())
    assert home.names() == ["Bank", "bank", "bank-v1", "港湾银行"]
    filled(home)
    assert home.create("bank", FakeEmbedder()).document(FEES.path) == FEES
    assert home.create("Bank", FakeEmbedder()).catalogue() == {}
    assert f"{elasticsearch.settings.prefix}bank~v1" in indices(elasticsearch)


def test_documents_are_read_without_an_embedder(home: ElasticsearchHome) -> None:
    filled(home)
    stats = home.stats("bank")
    assert (stats.documents, stats.passages, stats.vectors) == (3, 5, 5)
    assert stats.fingerprint.embedder == "fake"
    assert stats.stored_bytes > 0
    with home.reading("bank") as reading:
        assert set(reading.catalogue()) == {document.path for document in ALL}
        assert reading.document(CHINESE.path) == CHINESE
        assert reading.document("nowhere") is None


def test_a_reading_does_not_change_while_the_collection_does(home: ElasticsearchHome) -> None:
    index = filled(home)
    with home.reading("bank") as reading:
        index.delete([FEES.path])
        index.compact()
        assert reading.document(FEES.path) == FEES
        assert FEES.path in reading.catalogue()


def test_an_unknown_collection_names_those_that_are_there(home: ElasticsearchHome) -> None:
    filled(home)
    for use in (home.stats, home.delete):
        with pytest.raises(NotFoundError, match=r"no collection bnak .*there is: bank\."):
            use("bnak")


def test_a_deleted_collection_is_gone_with_its_uploads(
    home: ElasticsearchHome, elasticsearch: Cluster
) -> None:
    index = filled(home)
    home.uploads_folder("bank").mkdir(parents=True)
    home.delete("bank")
    assert home.names() == indices(elasticsearch) == []
    assert not home.uploads_folder("bank").exists()
    with pytest.raises(NotFoundError):
        index.search(["card"], 1)


def test_a_collection_being_written_is_not_deleted(home: ElasticsearchHome) -> None:
    index = filled(home)
    with index.writing(), pytest.raises(BusyError):
        home.delete("bank")
    assert home.names() == ["bank"]


def test_two_who_make_a_collection_at_once_make_one(
    home: ElasticsearchHome, elasticsearch: Cluster, tmp_path: Path
) -> None:
    other = ElasticsearchHome(elasticsearch, tmp_path)
    home.create("bank", FakeEmbedder()).add([FEES])
    alias = f"{elasticsearch.settings.prefix}bank"
    other._make(f"{alias}~v1", alias, FakeEmbedder())  # as one who has looked before it was there
    assert other.create("bank", FakeEmbedder()).document(FEES.path) == FEES


def test_a_rebuild_takes_the_place_at_once_and_for_everybody(
    home: ElasticsearchHome, elasticsearch: Cluster
) -> None:
    old = filled(home)
    before = old.revision
    other = FakeEmbedder("other", dimension=32)
    changed = a_document(FEES.path, ["The diamond card costs 2,600."], title="Fees 2027")
    with home.rebuilding("bank", other, {"tokens": 99}) as fresh:
        fresh.add([changed, CHINESE])
        assert old.search(["platinum"], 1)[0].lexical[0].passage == FEES.passages[0]
        assert home.names() == ["bank"]
        with pytest.raises(BusyError), old.writing(wait_seconds=0):
            pass
    with pytest.raises(MismatchError, match="--rebuild"):
        old.search(["platinum"], 1)
    index = home.create("bank", other, {"tokens": 99})
    assert {path: index.document(path) for path in index.catalogue()} == {
        FEES.path: changed,
        CHINESE.path: CHINESE,
    }
    assert index.revision > before
    assert indices(elasticsearch) == [f"{elasticsearch.settings.prefix}bank~v2"]
    index.add([FEES])


def test_a_failed_rebuild_changes_nothing(home: ElasticsearchHome, elasticsearch: Cluster) -> None:
    old = filled(home)
    with pytest.raises(RuntimeError), home.rebuilding("bank", FakeEmbedder("other")) as fresh:
        fresh.add([FEES])
        raise RuntimeError
    assert old.search(["home loan"], 1)[0].lexical
    assert indices(elasticsearch) == [f"{elasticsearch.settings.prefix}bank~v1"]
    with home.rebuilding("bank", FakeEmbedder()) as fresh:
        fresh.add([FEES])
    assert set(old.catalogue()) == {FEES.path}
