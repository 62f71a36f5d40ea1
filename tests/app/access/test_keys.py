"""Keys: shown once, stored as digests, revocable, and safe between processes."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.access.credentials import KeyText
from app.access.store import AccessStore
from app.access.values import Grant, grant
from knowledge_base.errors import InputError, NotFoundError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path: Path) -> AccessStore:
    return AccessStore(tmp_path / "home")


def test_a_key_is_recognised_with_its_role_and_collections(store: AccessStore) -> None:
    text = store.keys.create("website", grant("reader", ["fees", "bank", "fees"]))
    found = store.keys.principal(text)
    assert found is not None
    assert (found.name, found.role, found.collections) == ("website", "reader", frozenset({"bank", "fees"}))
    assert found.kind == "key"


def test_the_file_holds_no_secret_and_is_its_owners_alone(store: AccessStore, tmp_path: Path) -> None:
    text = store.keys.create("website", grant("reader"))
    file = tmp_path / "home" / "access.sqlite"
    key = KeyText.parsed(text)
    assert key is not None
    assert key.secret.encode() not in file.read_bytes()
    assert key.secret not in repr(key)
    assert file.stat().st_mode & 0o777 == 0o600


def test_wrong_keys_are_nobodys(store: AccessStore) -> None:
    text = store.keys.create("website", grant("reader"))
    mark, prefix, secret = text.split("_", 2)
    wrong = [
        "",
        "dq",
        "dq_",
        f"dq_{prefix}",
        f"dq_{prefix}_",
        f"dq_{prefix}_{secret[:-1]}",
        f"dq_{prefix}_{secret}x",
        f"dq_000000000000_{secret}",
        f"sk_{prefix}_{secret}",
        secret,
        f"{text}\n",
        "dq_é_ü",
    ]
    assert [key for key in wrong if store.keys.principal(key)] == []
    assert store.keys.principal(f"{mark}_{prefix}_{secret}") is not None


def test_a_revoked_key_is_nobodys_at_once_for_every_process(store: AccessStore, tmp_path: Path) -> None:
    text = store.keys.create("website", grant("reader"))
    AccessStore(tmp_path / "home").keys.revoke("website")
    assert store.keys.principal(text) is None
    assert store.keys.list() == []
    with pytest.raises(NotFoundError, match="website"):
        store.keys.revoke("website")


def test_a_key_does_not_expire(store: AccessStore, tmp_path: Path) -> None:
    text = store.keys.create("website", grant("reader"))
    with sqlite3.connect(tmp_path / "home" / "access.sqlite") as database:
        database.execute("UPDATE keys SET created = '1999-01-01', last_used = '1999-01-01'")
    assert store.keys.principal(text) is not None


def test_the_day_of_the_last_use_is_noted(store: AccessStore) -> None:
    text = store.keys.create("website", grant("reader"))
    assert store.keys.list()[0].last_used == ""
    store.keys.principal(text)
    (key,) = store.keys.list()
    assert key.last_used == key.created
    assert len(key.last_used) == len("2026-01-01")


def test_a_name_is_taken_once(store: AccessStore) -> None:
    store.keys.create("website", grant("reader"))
    with pytest.raises(InputError, match="already"):
        store.keys.create("website", grant("editor"))


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "a\nb", "ü", "x" * 65])
def test_names_that_logs_could_not_show_are_refused(store: AccessStore, name: str) -> None:
    with pytest.raises(InputError, match="name"):
        store.keys.create(name, grant("reader"))


def test_grants_are_checked() -> None:
    assert grant("admin") == Grant("admin", None)
    with pytest.raises(InputError, match="reader, editor, admin"):
        grant("owner")
    with pytest.raises(InputError, match="admin"):
        grant("admin", ["bank"])


def test_nothing_is_made_by_looking(store: AccessStore, tmp_path: Path) -> None:
    assert store.is_empty()
    assert store.keys.principal("dq_000000000000_x") is None
    assert not (tmp_path / "home").exists()


def test_two_processes_make_keys_at_once(store: AccessStore, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from app.access.values import grant\n"
        "from app.access.store import AccessStore\n"
        "keys = AccessStore(Path(sys.argv[1])).keys\n"
        "texts = [keys.create(f'{sys.argv[2]}-{n}', grant('reader')) for n in range(5)]\n"
        "assert all(keys.principal(text) for text in texts)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "home"), name], cwd=ROOT, env={**os.environ}
        )
        for name in ("one", "two")
    ]
    assert [process.wait(60) for process in started] == [0, 0]
    assert len(store.keys.list()) == 10
