"""Recent records: shared by file, and never more than are wanted."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.replicas import RecentRecords, Record
from knowledge_base.errors import MismatchError, StorageError


def test_one_server_reads_what_another_wrote(tmp_path: Path) -> None:
    one, other = RecentRecords(tmp_path, "jobs", 5), RecentRecords(tmp_path, "jobs", 5)
    one.put("a", "十", "one")
    assert other.get("a") == Record("十", "one")
    other.put("a", "20", "other")
    assert one.get("a") == Record("20", "other")
    assert one.get("b") is None


def test_kinds_do_not_see_each_other(tmp_path: Path) -> None:
    RecentRecords(tmp_path, "jobs", 5).put("a", "1")
    assert RecentRecords(tmp_path, "answers", 5).get("a") is None


def test_the_oldest_are_forgotten_however_often_they_change(tmp_path: Path) -> None:
    kept = RecentRecords(tmp_path, "jobs", 3)
    RecentRecords(tmp_path, "answers", 3).put("stays", "1")
    for number in range(5):
        kept.put(str(number), "new")
        kept.put("2", "changed")
    assert [number for number in map(str, range(5)) if kept.get(number)] == ["2", "3", "4"]
    assert RecentRecords(tmp_path, "answers", 3).get("stays")


def test_many_write_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        RecentRecords(tmp_path, "jobs", 100).put(str(number), str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    kept = RecentRecords(tmp_path, "jobs", 100)
    assert all(kept.get(str(number)) for number in range(40))


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    RecentRecords(tmp_path, "jobs", 3).put("a", "1")
    assert (tmp_path / "lately.sqlite").stat().st_mode & 0o077 == 0


def test_a_damaged_file_and_one_of_a_newer_program_are_reported(tmp_path: Path) -> None:
    kept = RecentRecords(tmp_path, "jobs", 3)
    kept.put("a", "1")
    file = tmp_path / "lately.sqlite"
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(MismatchError, match="layout 2"):
        kept.get("a")
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="remove it: it only holds recent jobs and answers"):
        kept.get("a")
