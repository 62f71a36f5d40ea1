"""A disk that is full, a folder that is read-only, a database that is damaged or newer."""

import os
import resource
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from knowledge_base.errors import MismatchError, NotFoundError, StorageError
from retrieval.embedded import EmbeddedIndex, Home
from retrieval.embedded.store import FILE_NAME, MIGRATIONS, Store
from retrieval.storage import Database
from tests.contracts.index_contract import ALL, FEES, LOANS
from tests.fakes import FakeEmbedder, a_document

NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bank"
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.add(ALL)
    index.close()
    return folder


@contextmanager
def as_nobody() -> Iterator[None]:
    """Rights bind root only while it is somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that nobody may write."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_home_is_an_error_with_a_remedy(read_only: Path) -> None:
    with as_nobody(), pytest.raises(StorageError, match="cannot be written") as error:
        Home(read_only / "home")
    assert "--home" in error.value.remedy


def test_a_read_only_collection_can_be_searched_and_not_changed(read_only: Path, folder: Path) -> None:
    read_only.chmod(0o755)
    shutil.copytree(folder, read_only / "bank")
    for place in (read_only / "bank").rglob("*"):
        place.chmod(0o555 if place.is_dir() else 0o444)
    (read_only / "bank").chmod(0o555)
    with as_nobody():
        index = EmbeddedIndex(read_only / "bank", FakeEmbedder())
        (found,) = index.search(["platinum card"], 3)
        assert found.dense
        assert found.lexical[0].passage == FEES.passages[0]
        assert index.document(FEES.path) == FEES
        with pytest.raises(StorageError, match="cannot be written") as error:
            index.delete([FEES.path])
        index.close()
    assert "right to write" in error.value.remedy
    (read_only / "bank").chmod(0o755)


def test_a_collection_of_the_first_layout_opens_and_takes_the_new_fields(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    folder.mkdir()
    with sqlite3.connect(folder / FILE_NAME) as database:
        for statement in filter(str.strip, MIGRATIONS[0].split(";")):
            database.execute(statement)
        database.execute("PRAGMA user_version = 1")
        embedder = FakeEmbedder()
        made = (1, "one", "0", embedder.id, embedder.digest, embedder.dimension, "", 1)
        database.execute(f"INSERT INTO collection VALUES ({', '.join('?' * 8)})", made)
        entry = (1, "a.txt", "/docs", "d", "A", "txt", 3, "2026-01-01", 0, None)
        database.execute(f"INSERT INTO documents VALUES ({', '.join('?' * 10)})", entry)
        database.execute("INSERT INTO texts VALUES (1, 'old')")
    index = EmbeddedIndex(folder, FakeEmbedder())
    assert (index.document("a.txt").text, index.document("a.txt").notes) == ("old", ())
    index.add([LOANS])
    assert index.document(LOANS.path) == LOANS
    index.close()


def test_a_full_disk_loses_nothing_and_work_continues_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    connect = Database._connect
    limit = [50]

    def full(database: Database, *, create: bool) -> sqlite3.Connection:
        connection = connect(database, create=create)
        connection.execute(f"PRAGMA max_page_count = {limit[0]}").fetchall()
        return connection

    monkeypatch.setattr(Database, "_connect", full)
    index.close()
    large = a_document("large.txt", [f"passage {n} " * 500 for n in range(200)])
    with pytest.raises(StorageError, match="disk is full") as error:
        index.add([large])
    assert "Free some disk space" in error.value.remedy
    assert set(index.catalogue()) == {document.path for document in ALL}
    assert index.search(["platinum"], 1)[0].lexical[0].passage == FEES.passages[0]

    limit[0] = 1_000_000
    index.close()
    index.add([large])
    assert index.document("large.txt") == large


def test_a_disk_too_full_to_open_a_database_is_told_as_full(tmp_path: Path) -> None:
    """SQLite cannot make its shared memory then, and the file is opened for reading only."""
    database = Database(tmp_path / "a.sqlite", ("CREATE TABLE a (b TEXT) STRICT;",))
    with database.write() as connection:
        connection.execute("INSERT INTO a VALUES ('kept')")
    database.close()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, before[1]))
    try:
        with database.read() as connection:
            assert connection.execute("SELECT b FROM a").fetchall() == [("kept",)]
        with pytest.raises(StorageError, match="disk is full"), database.write():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with database.write() as connection:
        connection.execute("DELETE FROM a")


def test_a_path_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file/bank cannot be read or written"):
        EmbeddedIndex(tmp_path / "file" / "bank", FakeEmbedder())


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300])
def test_a_file_that_is_no_database(folder: Path, content: bytes) -> None:
    for extra in folder.glob("collection.sqlite-*"):
        extra.unlink()
    (folder / FILE_NAME).write_bytes(content)
    if not content:  # a process was killed right after making the file: it is a new collection
        with pytest.raises(NotFoundError), Store(folder).snapshot():
            pass
        assert EmbeddedIndex(folder, FakeEmbedder()).search(["card"], 1)[0].dense == ()
        return
    with pytest.raises(StorageError, match="damaged") as error:
        EmbeddedIndex(folder, FakeEmbedder())
    assert "backup" in error.value.remedy


def test_a_damaged_page_is_an_error_when_it_is_read(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    index.compact()
    index.close()
    data = bytearray((folder / FILE_NAME).read_bytes())
    data[4096:] = b"\x5a" * (len(data) - 4096)
    (folder / FILE_NAME).write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        EmbeddedIndex(folder, FakeEmbedder()).catalogue()


def test_a_newer_database_is_refused(folder: Path) -> None:
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(MismatchError, match=f"knows up to {len(MIGRATIONS)}") as error:
        EmbeddedIndex(folder, FakeEmbedder())
    assert "Update domainqa" in error.value.remedy


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Store(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_row_ids_are_never_used_twice(folder: Path) -> None:
    index = EmbeddedIndex(folder, FakeEmbedder())
    database = sqlite3.connect(folder / FILE_NAME)
    before = database.execute("SELECT max(row) FROM passages").fetchone()[0]
    index.delete(list(index.catalogue()))
    index.add([FEES])
    assert database.execute("SELECT min(row) FROM passages").fetchone()[0] > before
    database.close()


def test_the_program_version_and_foreign_keys_are_kept(folder: Path) -> None:
    database = sqlite3.connect(folder / FILE_NAME)
    assert database.execute("SELECT program FROM collection").fetchone()[0]
    assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()


def test_a_process_that_was_killed_while_it_made_a_collection_leaves_none(tmp_path: Path) -> None:
    home = Home(tmp_path)
    folder = home.collection_folder("bank")
    folder.mkdir()
    (folder / f".{FILE_NAME}-0123").write_bytes(b"half")
    os.utime(folder / f".{FILE_NAME}-0123", (0, 0))
    assert home.names() == []
    assert not home.exists("bank")
    home.create("bank", FakeEmbedder()).close()
    assert home.names() == ["bank"]
    assert not list(folder.glob(".*"))


def test_two_processes_that_make_a_collection_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        indexes = list(pool.map(lambda _: EmbeddedIndex(tmp_path / "bank", FakeEmbedder()), range(8)))
    indexes[0].add([FEES])
    assert all(set(index.catalogue()) == {FEES.path} for index in indexes)


def test_a_private_database_is_its_owners_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "secrets.sqlite", ("CREATE TABLE keys (name TEXT)",), private=True)
    assert not database.file.exists()
    with database.write() as connection:
        connection.execute("INSERT INTO keys VALUES ('a')")
    for file in tmp_path.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_what_was_deleted_is_overwritten(tmp_path: Path) -> None:
    index = EmbeddedIndex(tmp_path / "bank", FakeEmbedder())
    index.add([a_document("secret.txt", ["the passphrase is swordfish"]), FEES])
    index.compact()
    index.delete(["secret.txt"])
    index.compact()
    index.close()
    for file in (tmp_path / "bank").rglob("*"):
        assert not file.is_file() or b"swordfish" not in file.read_bytes(), file
