"""SQLite files of the home: they grow with the program, however many open them at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.sqlite_file import SqliteFile
from knowledge_base.errors import MismatchError

FIRST = "CREATE TABLE animals (name TEXT PRIMARY KEY) STRICT;"
SECOND = "ALTER TABLE animals ADD COLUMN legs INTEGER; UPDATE animals SET legs = 4;"


def opened(folder: Path, *migrations: str) -> SqliteFile:
    return SqliteFile(folder / "animals.sqlite", "file of animals", "remove it", migrations)


def test_a_file_of_an_earlier_version_gets_what_is_new_and_keeps_its_rows(tmp_path: Path) -> None:
    with opened(tmp_path, FIRST).writing() as database:
        database.execute("INSERT INTO animals VALUES ('cat')")
    with opened(tmp_path, FIRST, SECOND).reading() as database:
        assert [tuple(row) for row in database.execute("SELECT name, legs FROM animals")] == [("cat", 4)]


def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path, FIRST, SECOND).reading():
        pass
    with pytest.raises(MismatchError, match="layout 2"), opened(tmp_path, FIRST).reading():
        pass


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, FIRST).writing() as database:
        database.execute("INSERT INTO animals VALUES ('cat')")
    wrong = opened(
        tmp_path, FIRST, "ALTER TABLE animals ADD COLUMN legs INTEGER; INSERT INTO nowhere VALUES (1);"
    )
    with pytest.raises(Exception, match="nowhere"), wrong.reading():
        pass
    with opened(tmp_path, FIRST).reading() as database:
        assert [column["name"] for column in database.execute("PRAGMA table_info(animals)")] == ["name"]


def test_many_that_open_it_first_at_once_make_it_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with opened(tmp_path, FIRST).writing() as database:
            database.execute("INSERT INTO animals VALUES (?)", (str(number),))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    with opened(tmp_path, FIRST).reading() as database:
        assert database.execute("SELECT count(*) FROM animals").fetchone()[0] == 24
