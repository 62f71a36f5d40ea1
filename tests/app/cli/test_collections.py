"""`domainqa collections` and `domainqa documents`."""

import json
from pathlib import Path

import pytest

from retrieval.embedded import Home
from tests.app.cli.conftest import Run
from tests.contracts.index_contract import ALL
from tests.fake_workspace import FakeWorkspace
from tests.fakes import FakeEmbedder


@pytest.mark.parametrize("words", [("collections",), ("collections", "list")])
def test_collections_are_listed(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 0
    heading, bank = result.stdout.splitlines()
    assert heading.split() == ["collection", "documents", "passages", "size", "embedder"]
    assert bank.split() == ["bank", "2", "3", "4.1", "kB", "fake"]


def test_collections_as_json(run: Run) -> None:
    (bank,) = json.loads(run("collections", "--json").stdout)
    assert (bank["name"], bank["documents"], bank["passages"]) == ("bank", 2, 3)


def test_no_collections_say_how_to_make_one(run: Run, workspace: FakeWorkspace) -> None:
    workspace.indexes.clear()
    result = run("collections")
    assert "domainqa ingest FOLDER" in result.stderr
    assert json.loads(run("collections", "--json").stdout) == []


def test_a_collection_is_created_and_deleted(run: Run, workspace: FakeWorkspace) -> None:
    assert run("collections", "create", "staff").exit_code == 0
    assert "staff" in workspace.indexes
    assert run("collections", "create", "staff").exit_code == 3
    assert run("collections", "delete", "staff", "--yes").exit_code == 0
    assert "staff" not in workspace.indexes
    assert run("collections", "delete", "staff", "--yes").exit_code == 4


def test_deleting_asks_first(run: Run, workspace: FakeWorkspace) -> None:
    assert run("collections", "delete", "bank", stdin="n\n").exit_code == 1
    assert "bank" in workspace.indexes
    assert run("collections", "delete", "bank", stdin="y\n").exit_code == 0
    assert workspace.indexes == {}


def test_documents_are_listed(run: Run) -> None:
    result = run("documents", "list")
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["fees.txt", "2"],
        ["zh/费用.md", "1"],
    ]
    assert "2 documents in bank" in result.stderr


def test_documents_as_json(run: Run) -> None:
    found = json.loads(run("documents", "list", "--json").stdout)
    assert [(entry["document"], entry["passages"]) for entry in found] == [("fees.txt", 2), ("zh/费用.md", 1)]
    assert json.loads(run("documents", "--json").stdout) == found


def test_a_document_is_shown_as_it_was_read(run: Run) -> None:
    assert run("documents", "show", "zh/费用.md").stdout == "白金卡年费为 680 元。\n"
    found = json.loads(run("documents", "show", "fees.txt", "--json").stdout)
    spans = [(passage["start"], passage["end"]) for passage in found["places"]]
    assert [found["text"][start:end] for start, end in spans] == found["text"].splitlines()


def test_a_document_is_deleted(run: Run, workspace: FakeWorkspace) -> None:
    assert run("documents", "delete", "fees.txt").exit_code == 0
    assert [entry.path for entry in workspace.documents("bank")] == ["zh/费用.md"]
    assert run("documents", "delete", "fees.txt").exit_code == 4


def test_a_collection_is_exported_and_imported_without_any_model(run: Run, tmp_path: Path) -> None:
    index = Home(tmp_path / "home").create("bank", FakeEmbedder())
    index.add(ALL)
    index.close()
    archive = tmp_path / "bank.zip"
    result = run("collections", "export", "bank", str(archive))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "3 documents, 5 passages" in result.stderr
    assert run("collections", "import", str(archive)).exit_code == 3  # it is there already
    assert run("collections", "import", str(archive), "--as", "copy").exit_code == 0
    assert Home(tmp_path / "home").stats("copy").passages == 5
    archive.write_bytes(archive.read_bytes()[:-100])
    result = run("collections", "import", str(archive), "--as", "third")
    assert result.exit_code == 3
    assert "damaged or incomplete" in " ".join(result.stderr.split())
    assert Home(tmp_path / "home").names() == ["bank", "copy"]


def test_what_is_left_of_a_deleted_document_is_shown(
    run: Run, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "notes").mkdir(parents=True)
    (home / "notes" / "old.txt").write_text("The fee was 4711 yuan.", encoding="utf-8")
    (home / "audit.jsonl").write_text('{"document": "gone.txt"}', encoding="utf-8")
    left = run("documents", "verify-deleted", "gone.txt", "--text", "4711 yuan", "--json")
    assert left.exit_code == 8
    assert json.loads(left.stdout) == [{"file": "notes/old.txt", "text": "4711 yuan"}]
    assert "is left in 1 files" in left.stderr
    assert run("documents", "verify-deleted", "gone.txt", "--text", "4712 yuan").exit_code == 0
    there = run("documents", "verify-deleted", workspace.documents("bank")[0].path)
    assert (there.exit_code, "Delete it first" in there.stderr) == (3, True)
