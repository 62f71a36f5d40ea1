"""The home folder and the collections in it."""

import json
from pathlib import Path

import pytest

from knowledge_base.errors import BusyError, InputError, MismatchError, NotFoundError, StorageError
from retrieval.collections import check_name
from retrieval.embedded import EmbeddedIndex, Home
from tests.contracts.index_contract import ALL, CHINESE, FEES
from tests.fakes import FakeEmbedder, a_document


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def filled(home: Home, name: str = "bank") -> EmbeddedIndex:
    index = home.create(name, FakeEmbedder())
    index.add(ALL)
    return index


def test_a_new_home_is_empty_and_records_its_layout(home: Home) -> None:
    assert home.names() == []
    assert json.loads((home.folder / "home.json").read_text())["layout"] == 1


def test_collections_are_made_listed_and_opened(home: Home) -> None:
    filled(home, "bank").close()
    home.create("港湾银行", FakeEmbedder()).close()
    assert home.names() == ["bank", "港湾银行"]
    assert Home(home.folder).create("bank", FakeEmbedder()).document(FEES.path) == FEES


def test_documents_are_read_without_an_embedder(home: Home) -> None:
    filled(home).close()
    assert home.stats("bank").documents == 3
    assert home.stats("bank").fingerprint.embedder == "fake"
    with home.reading("bank") as snapshot:
        assert set(snapshot.catalogue()) == {document.path for document in ALL}
        assert snapshot.document(CHINESE.path) == CHINESE


def test_an_unknown_collection_names_those_that_are_there(home: Home) -> None:
    filled(home).close()
    for use in (home.stats, home.delete):
        with pytest.raises(NotFoundError, match=r"no collection bnak .*there is: bank\.") as error:
            use("bnak")
        assert "--collection bnak" in error.value.remedy
    assert home.names() == ["bank"]


@pytest.mark.parametrize("name", ["bank", "港湾银行", "a.b-c_d", "7", "_x", "é" * 64])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "a/b", "../x", "a\\b", "a b", "a\n", "x" * 65, "e\u0301", "a:b", "\0"],
)
def test_bad_names_are_refused_before_anything_is_touched(home: Home, name: str) -> None:
    with pytest.raises(InputError):
        home.create(name, FakeEmbedder())
    assert home.names() == []


def test_a_deleted_collection_is_gone_with_its_uploads(home: Home) -> None:
    index = filled(home)
    uploads = home.uploads_folder("bank")
    uploads.mkdir()
    (uploads / "x.txt").write_text("x")
    home.delete("bank")
    assert home.names() == []
    assert list((home.folder / "collections").iterdir()) == []
    with pytest.raises(NotFoundError):
        index.search(["card"], 1)
    filled(home).close()
    with pytest.raises(NotFoundError):
        index.search(["card"], 1)


def test_a_collection_being_written_is_not_deleted(home: Home) -> None:
    index = filled(home)
    with index.writing(), pytest.raises(BusyError):
        home.delete("bank")
    assert home.names() == ["bank"]


def test_an_interrupted_deletion_is_finished_by_the_next(home: Home) -> None:
    filled(home, "a").close()
    filled(home, "b").close()
    collections = home.folder / "collections"
    (collections / "a").rename(collections / ".deleted-0123")
    assert home.names() == ["b"]
    home.delete("b")
    assert list(collections.iterdir()) == []


def test_a_folder_without_a_database_is_no_collection(home: Home) -> None:
    (home.folder / "collections" / "half").mkdir()
    assert home.names() == []
    filled(home, "half").close()
    assert home.names() == ["half"]


def test_a_newer_home_is_refused(home: Home) -> None:
    (home.folder / "home.json").write_text('{"layout": 2}')
    with pytest.raises(MismatchError, match="layout 2; this program knows up to 1") as error:
        Home(home.folder)
    assert "Update domainqa" in error.value.remedy


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"layout": "x"}', "\udcff"])
def test_a_damaged_home_file_is_an_error(home: Home, text: str) -> None:
    (home.folder / "home.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(StorageError, match=r"home\.json is damaged"):
        Home(home.folder)


def test_a_file_in_place_of_the_home_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    with pytest.raises(StorageError):
        Home(tmp_path / "home")


def test_a_rebuild_takes_the_place_at_once_and_for_everybody(home: Home) -> None:
    old = filled(home)
    other = FakeEmbedder("other", dimension=32)
    changed = a_document(FEES.path, ["The diamond card costs 2,600."], title="Fees 2027")
    with home.rebuilding("bank", other, {"tokens": 99}) as fresh:
        fresh.add([changed, CHINESE])
        assert old.search(["platinum"], 1)[0].lexical[0].passage == FEES.passages[0]
        with pytest.raises(BusyError), old.writing(wait_seconds=0):
            pass
    with pytest.raises(MismatchError, match="--rebuild"):
        old.search(["platinum"], 1)
    with pytest.raises(MismatchError):
        home.create("bank", FakeEmbedder())

    index = home.create("bank", other, {"tokens": 99})
    assert {path: index.document(path) for path in index.catalogue()} == {
        FEES.path: changed,
        CHINESE.path: CHINESE,
    }
    (found,) = index.search(["diamond 年费"], 100)
    for hits in (found.dense, found.lexical):
        assert {hit.passage for hit in hits} <= {*changed.passages, *CHINESE.passages}
    assert len(found.dense) == 3
    assert found.lexical[0].passage in (changed.passages[0], CHINESE.passages[0])
    assert not (home.collection_folder("bank") / "rebuild").exists()


def test_a_failed_rebuild_changes_nothing(home: Home) -> None:
    old = filled(home)
    with pytest.raises(RuntimeError), home.rebuilding("bank", FakeEmbedder("other")) as fresh:
        fresh.add([FEES])
        raise RuntimeError
    assert old.search(["home loan"], 1)[0].lexical
    assert home.stats("bank").documents == 3
    assert not (home.collection_folder("bank") / "rebuild").exists()
