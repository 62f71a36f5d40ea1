"""Who promoted, deleted, exported and made keys: a line each, from the page, the API and the commands."""

import json
from pathlib import Path
from typing import Any

import pytest

from app import audit
from app.access.values import ForbiddenError, Principal
from app.session import Session
from app.settings import Settings
from finetune.retrain.values import Outcome
from knowledge_base.errors import NotFoundError, StorageError
from tests.app.cli.conftest import Run, run, workspace
from tests.fake_workspace import FakeWorkspace

__all__ = ["run", "workspace"]
ZHAO = Principal("zhao", "admin", None, "user")


def lines(home: Path) -> list[dict[str, Any]]:
    file = home / audit.FILE
    assert file.stat().st_mode & 0o777 == 0o600
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_what_a_caller_deletes_is_noted_with_its_outcome(tmp_path: Path) -> None:
    fake = FakeWorkspace(Settings(home=tmp_path))
    fake.put("bank", "a.txt", "The gold card costs 200.")
    session = Session(fake, ZHAO)
    session.collections()
    session.delete_document("bank", "a.txt")
    session.delete_collection("bank")
    with pytest.raises(NotFoundError):
        session.delete_collection("bank")
    with pytest.raises(ForbiddenError):
        Session(fake, Principal("li", "reader")).delete_collection("bank")
    first, second, third = lines(tmp_path)
    assert {name: first[name] for name in ("who", "act", "collection", "path", "outcome")} == {
        "who": "zhao (user)",
        "act": "delete_document",
        "collection": "bank",
        "path": "a.txt",
        "outcome": "done",
    }
    assert (second["act"], second["name"], second["outcome"]) == ("delete_collection", "bank", "done")
    assert third["outcome"] == "NotFoundError"


def test_what_cannot_be_noted_is_not_done(tmp_path: Path) -> None:
    fake = FakeWorkspace(Settings(home=tmp_path))
    fake.put("bank", "a.txt", "text")
    (tmp_path / audit.FILE).mkdir()
    with pytest.raises(StorageError):
        Session(fake, ZHAO).delete_collection("bank")
    assert "bank" in fake.indexes


def test_what_the_command_line_does_is_noted_without_secrets(run: Run, tmp_path: Path) -> None:
    home = str(tmp_path)
    key = run("keys", "create", "website", "--collection", "bank", "--home", home).stdout.strip()
    run("keys", "revoke", "website", "--home", home)
    run("users", "add", "li", "--role", "editor", "--home", home, stdin="correct horse\n")
    run("users", "password", "li", "--home", home, stdin="battery staple\n")
    run("users", "remove", "li", "--home", home)
    noted = lines(tmp_path)
    assert [line["act"] for line in noted] == [
        *("keys.create", "keys.revoke", "users.add", "users.password", "users.remove")
    ]
    assert noted[0]["collections"] == "bank"
    assert all(line["who"].endswith("(command line)") for line in noted)
    text = (tmp_path / audit.FILE).read_text(encoding="utf-8")
    assert not any(secret in text for secret in (key, "correct horse", "battery staple"))


def test_operations_are_noted(run: Run, workspace: FakeWorkspace, tmp_path: Path) -> None:
    assert run("collections", "delete", "bank", "--yes", "--home", str(tmp_path)).exit_code == 0
    (line,) = lines(tmp_path)
    assert (line["act"], line["name"], line["outcome"]) == ("collections.delete", "bank", "done")


def test_a_promotion_by_a_retraining_is_noted(tmp_path: Path) -> None:
    audit.note_promotion(tmp_path, Outcome("bank", 3, False, (), "report.html"))
    assert not (tmp_path / audit.FILE).exists()
    audit.note_promotion(tmp_path, Outcome("bank", 4, True, (), "report.html"))
    (line,) = lines(tmp_path)
    assert (line["act"], line["name"], line["version"]) == ("retrain", "bank", 4)
