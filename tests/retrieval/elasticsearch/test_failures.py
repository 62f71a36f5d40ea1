"""What a cluster can do to us: away, slow, read-only, overloaded, answers lost. All is said, nothing lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_base.errors import InputError, NotFoundError, SettingsError, StorageError, UnavailableError
from retrieval.elasticsearch import Cluster, ElasticsearchHome, ElasticsearchIndex, connect
from retrieval.elasticsearch.layout import alias_of
from tests.contracts.index_contract import ALL, CHINESE, FEES, LOANS
from tests.elasticsearch_proxy import Proxy, proxied
from tests.fakes import FakeEmbedder, a_document

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def index(home: ElasticsearchHome) -> ElasticsearchIndex:
    """A collection that holds one document."""
    index = home.create("bank", FakeEmbedder())
    index.add([FEES])
    return index


@pytest.fixture
def proxy(elasticsearch: Cluster) -> Iterator[tuple[Proxy, str]]:
    with proxied(elasticsearch.settings) as both:
        yield both


def through(elasticsearch: Cluster, url: str, *, timeout: float = 30.0, patience: float = 5.0) -> Cluster:
    """The cluster by another address."""
    return connect(replace(elasticsearch.settings, url=url, timeout=timeout, patience=patience))


def opened(cluster: Cluster, folder: Path) -> ElasticsearchIndex:
    return ElasticsearchHome(cluster, folder).create("bank", FakeEmbedder())


def test_a_cluster_that_is_away_is_named(elasticsearch: Cluster, tmp_path: Path) -> None:
    home = ElasticsearchHome(through(elasticsearch, NOBODY, patience=0.1), tmp_path)
    with pytest.raises(UnavailableError, match=r"does not answer at http://127\.0\.0\.1:9\. Start it"):
        home.names()


def test_a_cluster_that_is_slow_is_named(
    elasticsearch: Cluster, index: ElasticsearchIndex, proxy: tuple[Proxy, str], tmp_path: Path
) -> None:
    spoiler, url = proxy
    slow = opened(through(elasticsearch, url, timeout=1.0, patience=0.0), tmp_path)
    spoiler.spoil("hang", "_msearch", 1)
    with pytest.raises(UnavailableError, match="did not answer in time"):
        slow.search(["card"], 1)
    assert slow.search(["card"], 1)[0].lexical  # the same object goes on


def test_a_key_that_is_none_is_named(elasticsearch: Cluster, tmp_path: Path) -> None:
    home = ElasticsearchHome(connect(replace(elasticsearch.settings, api_key="bm86bm8=")), tmp_path)
    with pytest.raises(SettingsError, match="does not know the API key"):
        home.names()


def test_a_node_that_starts_and_knows_no_key_yet_is_waited_for(
    elasticsearch: Cluster, index: ElasticsearchIndex, proxy: tuple[Proxy, str], tmp_path: Path
) -> None:
    spoiler, url = proxy
    spoiled = opened(through(elasticsearch, url), tmp_path)
    spoiler.spoil("forget", "", 2)
    spoiled.add([LOANS])
    spoiler.spoil("forget", "", 1000)
    with pytest.raises(UnavailableError, match="no longer accepts the API key"):
        spoiled.search(["card"], 1)


def test_a_key_that_may_not_is_named(elasticsearch: Cluster, tmp_path: Path) -> None:
    home = ElasticsearchHome(connect(replace(elasticsearch.settings, prefix="elsewhere-")), tmp_path)
    with pytest.raises(SettingsError, match="may not do this .* is unauthorized"):
        home.create("bank", FakeEmbedder())


def test_an_analyzer_that_is_not_there_is_named(elasticsearch: Cluster, tmp_path: Path) -> None:
    home = ElasticsearchHome(connect(replace(elasticsearch.settings, analyzer="ik_max_word")), tmp_path)
    with pytest.raises(SettingsError, match="no analyzer ik_max_word"):
        home.create("bank", FakeEmbedder())
    assert home.names() == []


def test_another_analyzer_is_used(elasticsearch: Cluster, home: ElasticsearchHome, tmp_path: Path) -> None:
    other = ElasticsearchHome(connect(replace(elasticsearch.settings, analyzer="whitespace")), tmp_path)
    index = other.create("plain", FakeEmbedder())
    index.add([FEES])
    assert index.search(["platinum"], 1)[0].lexical
    assert not index.search(["cost"], 1)[0].lexical  # "costs" is there, and no stemming


def test_a_read_only_cluster_keeps_what_it_has_and_takes_more_afterwards(
    elasticsearch: Cluster, home: ElasticsearchHome, index: ElasticsearchIndex
) -> None:
    alias = alias_of(elasticsearch.settings.prefix, "bank")
    blocks = elasticsearch.client.indices
    # What Elasticsearch does by itself when its disk is nearly full.
    blocks.put_settings(index=alias, settings={"index.blocks.read_only_allow_delete": True})
    with pytest.raises(StorageError, match=r"accepts no changes: .*free some space"):
        index.add([LOANS])
    assert home.read_only() == ["bank"]
    assert set(index.catalogue()) == {FEES.path}
    assert index.search(["platinum"], 1)[0].lexical
    blocks.put_settings(index=alias, settings={"index.blocks.read_only_allow_delete": None})
    index.add([LOANS])
    assert home.read_only() == []
    assert set(index.catalogue()) == {FEES.path, LOANS.path}


def test_a_read_only_collection_can_be_deleted_to_free_space(
    elasticsearch: Cluster, home: ElasticsearchHome, index: ElasticsearchIndex
) -> None:
    alias = alias_of(elasticsearch.settings.prefix, "bank")
    elasticsearch.client.indices.put_settings(
        index=alias, settings={"index.blocks.read_only_allow_delete": True}
    )
    home.delete("bank")
    assert home.names() == []


@pytest.mark.parametrize(
    ("how", "path"),
    [("refuse", "_bulk"), ("refuse", "search"), ("lose", "_bulk"), ("lose", "state"), ("lose", "lease")],
)
def test_calls_that_are_refused_or_lost_are_made_again(
    elasticsearch: Cluster,
    index: ElasticsearchIndex,
    proxy: tuple[Proxy, str],
    tmp_path: Path,
    how: str,
    path: str,
) -> None:
    spoiler, url = proxy
    spoiled = opened(through(elasticsearch, url), tmp_path)
    spoiler.spoil(how, path, 2)
    spoiled.add([LOANS, CHINESE])
    assert set(index.catalogue()) == {document.path for document in ALL}
    spoiler.spoil(how, path, 2)
    spoiled.delete([LOANS.path])
    spoiler.spoil(how, path, 2)
    (found,) = spoiled.search(["白金卡年费是多少？"], 3)
    assert found.lexical[0].passage == CHINESE.passages[0]
    assert len(found.dense) == 3
    assert len(spoiled.document(CHINESE.path).passages) == 2


def test_a_cluster_that_refuses_for_long_is_named_and_nothing_is_half_there(
    elasticsearch: Cluster, index: ElasticsearchIndex, proxy: tuple[Proxy, str], tmp_path: Path
) -> None:
    spoiler, url = proxy
    spoiled = opened(through(elasticsearch, url, patience=0.5), tmp_path)
    before = index.revision
    spoiler.spoil("refuse", "_bulk", 1000)
    with pytest.raises(UnavailableError, match=r"overloaded or not ready: queue is full\. Run .* again"):
        spoiled.add([LOANS])
    assert index.revision == before
    assert set(index.catalogue()) == {FEES.path}
    spoiler.spoil("", "", 0)
    spoiled.add([LOANS])
    assert set(index.catalogue()) == {FEES.path, LOANS.path}


def test_a_bulk_load_that_is_cut_off_shows_nothing_and_is_cleared_away(
    elasticsearch: Cluster, index: ElasticsearchIndex, proxy: tuple[Proxy, str], tmp_path: Path
) -> None:
    spoiler, url = proxy
    spoiled = opened(through(elasticsearch, url, patience=0.0), tmp_path)
    changed = a_document(FEES.path, ["The diamond card costs 2,600 yuan."])
    spoiler.spoil("lose", "_bulk", 1)  # all of it arrives, and nobody hears of it
    with pytest.raises(UnavailableError):
        spoiled.add([changed, LOANS])
    elasticsearch.client.indices.refresh(index=alias_of(elasticsearch.settings.prefix, "bank"))
    assert index.document(FEES.path) == FEES
    (found,) = index.search(["diamond platinum loan"], 10)
    assert {hit.passage for hit in (*found.dense, *found.lexical)} == set(FEES.passages)
    index.add([CHINESE])
    alias = alias_of(elasticsearch.settings.prefix, "bank")
    left = elasticsearch.client.count(index=alias, query={"term": {"kind": "document"}})
    assert left["count"] == 2


def test_a_document_that_is_too_large_for_a_request_is_named(
    elasticsearch: Cluster, index: ElasticsearchIndex
) -> None:
    large = a_document("large.txt", ["x" * 1000])
    whole = replace(large, text="x" * 105_000_000)
    with pytest.raises(InputError, match="larger than"):
        index.add([whole])
    index.add([large])
    assert index.document("large.txt") == large


def test_what_is_deleted_elsewhere_is_an_error_and_never_made_again(
    elasticsearch: Cluster, home: ElasticsearchHome, index: ElasticsearchIndex
) -> None:
    home.delete("bank")
    for use in (lambda: index.search(["card"], 1), lambda: index.add([LOANS]), lambda: index.revision):
        with pytest.raises(NotFoundError):
            use()
    assert not elasticsearch.client.indices.get_alias(index=f"{elasticsearch.settings.prefix}*").body


def test_something_else_behind_the_address_is_named(elasticsearch: Cluster, tmp_path: Path) -> None:
    with proxied(elasticsearch.settings) as (spoiler, url):
        spoiler.product = ""
        home = ElasticsearchHome(through(elasticsearch, url), tmp_path)
        with pytest.raises(SettingsError, match="is not Elasticsearch"):
            home.names()
