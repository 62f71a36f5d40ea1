"""Collections as files: between both backends, identical, and nothing from a damaged one."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.errors import InputError, MismatchError, NotFoundError, StorageError
from retrieval.archive import export_collection, import_collection
from retrieval.collections import Collections, CollectionSnapshot
from retrieval.elasticsearch import Cluster, ElasticsearchHome
from retrieval.embedded import Home
from tests.contracts.index_contract import ALL, documents_of
from tests.elasticsearch_server import clear
from tests.fakes import FakeEmbedder, a_document

CHUNKING = {"tokens": 200, "version": 1}
DOCUMENTS = [*ALL, a_document("empty.txt", []), a_document("odd \u2028 文.txt", ["\u0000 \n 𠮷", "x"])]

Place = Callable[[str], Collections]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def archive(home: Home, tmp_path: Path) -> Path:
    fill(home)
    export_collection(home, "bank", tmp_path / "bank.zip")
    return tmp_path / "bank.zip"


def fill(collections: Collections) -> None:
    index = collections.create("bank", FakeEmbedder(), CHUNKING)
    index.add([*DOCUMENTS, *documents_of(300)])
    index.delete([documents_of(1)[0].path])
    index.close()
    uploads = collections.uploads_folder("bank")
    uploads.mkdir(parents=True)
    (uploads / "费用 1.txt").write_bytes(b"\x00\xff")
    (uploads / ".費.partial").write_bytes(b"half")


def contents(reading: CollectionSnapshot) -> tuple[object, ...]:
    """All that a collection holds."""
    found = [(document, vectors.tobytes()) for document, vectors in reading.everything()]
    return reading.fingerprint, reading.catalogue(), found


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Makes a home of a kind, "embedded" or "elasticsearch"."""
    clusters: list[Cluster] = []

    def make(kind: str) -> Collections:
        folder = tmp_path / f"{kind} {len(clusters)} {len(list(tmp_path.iterdir()))}"
        if kind == "embedded":
            return Home(folder)
        clusters.append(request.getfixturevalue("elasticsearch"))
        return ElasticsearchHome(clusters[0], folder)

    yield make
    if clusters:
        clear(clusters[0])


@pytest.mark.parametrize(
    ("source", "target"),
    [("embedded", "embedded"), ("embedded", "elasticsearch"), ("elasticsearch", "embedded")],
)
def test_a_collection_moves_and_stays_what_it_was(
    place: Place, tmp_path: Path, source: str, target: str
) -> None:
    here, there = place(source), place(target)
    fill(here)
    written = export_collection(here, "bank", tmp_path / "bank.zip")
    read = import_collection(there, tmp_path / "bank.zip", "银行-Copy")
    assert read == written
    assert (read.documents, read.passages) == (len(DOCUMENTS) + 299, 5 + 2 + 299 * 3)
    with here.reading("bank") as old, there.reading("银行-Copy") as new:
        assert contents(new) == contents(old)
    files = there.uploads_folder("银行-Copy").iterdir()
    assert {file.name: file.read_bytes() for file in files} == {"费用 1.txt": b"\x00\xff"}
    index = there.create("银行-Copy", FakeEmbedder(), CHUNKING)
    assert index.search(["unique0299"], 1)[0].lexical[0].passage.text.startswith("unique0299")
    index.add([a_document("new.txt", ["It goes on from here."])])
    index.close()


def test_an_empty_collection_moves_too(home: Home, tmp_path: Path) -> None:
    home.create("none", FakeEmbedder()).close()
    export_collection(home, "none", tmp_path / "none.zip")
    assert import_collection(home, tmp_path / "none.zip", "again").documents == 0
    assert home.stats("again").documents == 0


def test_what_is_there_is_never_overwritten(home: Home, archive: Path) -> None:
    with pytest.raises(InputError, match="already exists"):
        export_collection(home, "bank", archive)
    with pytest.raises(InputError, match=r"collection named bank already exists\. .*--as"):
        import_collection(home, archive)


def test_an_unknown_collection_leaves_no_file(home: Home, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        export_collection(home, "nowhere", tmp_path / "x.zip")
    with pytest.raises(InputError, match="There is no file"):
        import_collection(home, tmp_path / "x.zip")


def test_a_folder_that_cannot_be_written_is_named(home: Home, tmp_path: Path) -> None:
    fill(home)
    with pytest.raises(StorageError, match="cannot be written"):
        export_collection(home, "bank", tmp_path / "nowhere" / "x.zip")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_changes_nothing(home: Home, archive: Path, share: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="damaged or incomplete"):
        import_collection(home, archive, "copy")
    assert home.names() == ["bank"]


def test_no_byte_of_an_archive_can_change_unseen(home: Home, archive: Path) -> None:
    whole = archive.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), 60):
        broken = bytearray(whole)
        broken[place] ^= 0x55
        archive.write_bytes(broken)
        try:
            import_collection(home, archive, "copy")
        except (InputError, MismatchError):
            assert home.names() == ["bank"]
            continue
        with home.reading("bank") as old, home.reading("copy") as new:  # a byte that says nothing
            assert contents(new) == contents(old)
        home.delete("copy")


def rewritten(archive: Path, changes: dict[str, bytes | None]) -> Path:
    """The archive with other files, None for one that is left out."""
    target = archive.with_name("other.zip")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in dict.fromkeys([*old.namelist(), *changes]):
            body = changes.get(name, b"") if name in changes else old.read(name)
            if body is not None:
                new.writestr(name, body)
    return target


def manifest(archive: Path) -> dict[str, object]:
    with zipfile.ZipFile(archive) as opened:
        found: dict[str, object] = json.loads(opened.read("manifest.json"))
    return found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"manifest.json": None}, "has no manifest"),
        ({"manifest.json": b"{}"}, "manifest cannot be read"),
        ({"vectors.npy": None}, "not those that its manifest names"),
        ({"more.txt": b"x"}, "not those that its manifest names"),
        ({"documents.jsonl": b"{}\n"}, "another size"),
    ],
)
def test_a_changed_archive_is_refused_with_its_reason(
    home: Home, archive: Path, changes: dict[str, bytes | None], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        import_collection(home, rewritten(archive, changes), "copy")
    assert home.names() == ["bank"]


@pytest.mark.parametrize(
    "name", ["uploads/../../x", "/etc/x", "uploads/a/b", "uploads/.x", "x", "uploads\\x"]
)
def test_no_file_is_written_elsewhere(home: Home, archive: Path, name: str) -> None:
    body = manifest(archive)
    body["files"][name] = {
        "bytes": 1,
        "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    }  # type: ignore[index]
    broken = rewritten(archive, {name: b"x", "manifest.json": json.dumps(body).encode()})
    with pytest.raises(InputError, match="does not belong|not those"):
        import_collection(home, broken, "copy")
    assert home.names() == ["bank"]


def test_an_archive_of_a_newer_program_is_refused(home: Home, archive: Path) -> None:
    body = {**manifest(archive), "format": 2, "surprise": 1}
    with pytest.raises(MismatchError, match="Update"):
        import_collection(home, rewritten(archive, {"manifest.json": json.dumps(body).encode()}), "copy")


def test_a_failure_in_the_middle_leaves_no_collection(home: Home, archive: Path) -> None:
    body = {**manifest(archive), "documents": 1}
    with pytest.raises(InputError, match="instead of 1"):
        import_collection(home, rewritten(archive, {"manifest.json": json.dumps(body).encode()}), "copy")
    assert home.names() == ["bank"]


def test_an_import_that_was_killed_can_be_run_again(home: Home, archive: Path) -> None:
    """Its collection is there, empty, with an unfinished rebuild beside it."""
    home.create("copy", FakeEmbedder(), CHUNKING).close()
    left = home.collection_folder("copy") / "rebuild"
    left.mkdir()
    (left / "collection.sqlite").write_bytes(b"half")
    import_collection(home, archive, "copy")
    with home.reading("bank") as old, home.reading("copy") as new:
        assert contents(new) == contents(old)
    assert not left.exists()


def test_an_import_that_was_killed_after_its_last_step_can_be_run_again(
    home: Home, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """As a kill, nothing is done after it."""

    unlink = Path.unlink

    def killed(file: Path, missing_ok: bool = False) -> None:
        if file.name == ".importing":
            raise KilledError
        unlink(file, missing_ok)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr("retrieval.archive.Path.unlink", killed)
        import_collection(home, archive, "copy")
    documents = home.stats("copy").documents
    assert documents
    assert import_collection(home, archive, "copy").documents == documents
    with pytest.raises(InputError, match="already exists"):
        import_collection(home, archive, "copy")


def test_a_failed_import_leaves_an_empty_collection_that_was_there(home: Home, archive: Path) -> None:
    home.create("copy", FakeEmbedder(), CHUNKING).close()
    body = {**manifest(archive), "documents": 1}
    with pytest.raises(InputError, match="instead of 1"):
        import_collection(home, rewritten(archive, {"manifest.json": json.dumps(body).encode()}), "copy")
    assert home.stats("copy").documents == 0


def test_vectors_of_another_shape_are_refused(home: Home, archive: Path) -> None:
    body = {**manifest(archive), "dimension": 2}
    with pytest.raises(InputError, match="vectors.npy holds"):
        import_collection(home, rewritten(archive, {"manifest.json": json.dumps(body).encode()}), "copy")
    assert home.names() == ["bank"]
