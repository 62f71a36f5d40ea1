"""The file of users and keys says clearly why it cannot be used."""

import sqlite3
from pathlib import Path

import pytest

from app.access.store import AccessStore
from app.access.values import LOCAL, Principal, grant
from knowledge_base.errors import MismatchError, StorageError


def test_a_damaged_file_is_reported_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "access.sqlite"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match=r"access.sqlite.*restore"):
        AccessStore(tmp_path).keys.list()
    with pytest.raises(StorageError):
        AccessStore(tmp_path).keys.create("website", grant("reader"))
    assert file.read_bytes() == b"no database at all" * 100


def test_a_file_of_a_newer_program_is_reported(tmp_path: Path) -> None:
    AccessStore(tmp_path).keys.create("website", grant("reader"))
    with sqlite3.connect(tmp_path / "access.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(MismatchError, match="layout 99"):
        AccessStore(tmp_path).keys.list()


def test_a_home_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be"):
        AccessStore(tmp_path / "home").keys.create("website", grant("reader"))


@pytest.mark.parametrize(
    ("role", "rights"),
    [("reader", ["read"]), ("editor", ["read", "write"]), ("admin", ["read", "write", "admin"])],
)
def test_what_roles_may_do(role: str, rights: list[str]) -> None:
    everywhere = Principal("x", role)  # type: ignore[arg-type]
    assert [right for right in ("read", "write", "admin") if everywhere.may(right)] == rights
    assert everywhere.may("read", "bank")
    somewhere = Principal("x", role, frozenset({"bank"}))  # type: ignore[arg-type]
    assert [right for right in ("read", "write", "admin") if somewhere.may(right, "bank")] == rights
    assert not any(somewhere.may(right, "staff") for right in ("read", "write", "admin"))


def test_a_local_caller_may_do_everything() -> None:
    assert LOCAL.may("admin", "any")
