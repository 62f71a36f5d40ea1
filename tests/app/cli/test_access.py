"""`domainqa keys` and `domainqa users`."""

import json
from pathlib import Path

from app.access.store import AccessStore
from tests.app.cli.conftest import Run


def test_a_key_is_printed_once_and_works(run: Run, tmp_path: Path) -> None:
    result = run("keys", "create", "website", "--role", "editor", "--collection", "bank", "-c", "fees")
    assert result.exit_code == 0
    text = result.stdout.strip()
    found = AccessStore(tmp_path / "home").keys.principal(text)
    assert found is not None
    assert (found.name, found.role, found.collections) == ("website", "editor", frozenset({"bank", "fees"}))
    listed = run("keys")
    assert text not in listed.stdout
    assert listed.stdout.splitlines()[1].split()[:5] == ["website", text[:15], "editor", "bank,", "fees"]


def test_keys_are_listed_as_json(run: Run) -> None:
    assert json.loads(run("keys", "--json").stdout) == []
    assert "domainqa keys create NAME" in run("keys", "list").stderr
    run("keys", "create", "website")
    (key,) = json.loads(run("keys", "list", "--json").stdout)
    assert (key["name"], key["role"], key["collections"], key["last_used"]) == (
        "website",
        "reader",
        None,
        None,
    )
    assert "digest" not in key


def test_a_key_is_revoked(run: Run) -> None:
    run("keys", "create", "website")
    assert run("keys", "revoke", "website").exit_code == 0
    assert json.loads(run("keys", "--json").stdout) == []
    assert run("keys", "revoke", "website").exit_code == 4


def test_mistakes_with_keys_are_errors(run: Run) -> None:
    run("keys", "create", "website")
    assert run("keys", "create", "website").exit_code == 3
    assert run("keys", "create", "other", "--role", "owner").exit_code == 3
    assert run("keys", "create", "other", "--role", "admin", "-c", "bank").exit_code == 3


def test_a_user_is_added_with_a_line_of_standard_input(run: Run, tmp_path: Path) -> None:
    result = run("users", "add", "li", "--role", "editor", "-c", "bank", stdin="correct horse\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert AccessStore(tmp_path / "home").users.check("li", "correct horse") == "li"
    (user,) = json.loads(run("users", "--json").stdout)
    assert (user["name"], user["role"], user["collections"]) == ("li", "editor", ["bank"])
    assert run("users", "list").stdout.splitlines()[1].split()[:3] == ["li", "editor", "bank"]


def test_a_weak_password_is_refused(run: Run) -> None:
    assert run("users", "add", "li", stdin="short\n").exit_code == 3
    assert "domainqa users add NAME" in run("users").stderr


def test_a_password_is_changed_and_a_user_removed(run: Run, tmp_path: Path) -> None:
    run("users", "add", "li", stdin="correct horse\n")
    assert run("users", "password", "li", stdin="battery staple\n").exit_code == 0
    assert AccessStore(tmp_path / "home").users.check("li", "battery staple") == "li"
    assert run("users", "remove", "li").exit_code == 0
    assert run("users", "remove", "li").exit_code == 4
    assert run("users", "password", "li", stdin="battery staple\n").exit_code == 4
