"""Deleted is gone: from answers, feedback, archives, and the files themselves."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answering.values import Question
from app.erasure import traces
from app.feedback import FeedbackStore
from app.settings import load_settings
from app.workspace import Workspace
from tests.fakes import FakeEmbedder, FakeGenerator

SECRET = "The vault of branch seventeen opens at 4711 o'clock — 保险柜."
KEPT = "The gold card costs 200 yuan a year."


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "vault.txt").write_text(f"{SECRET}\n" * 3, encoding="utf-8")
    for number in range(4):
        (folder / f"card-{number}.txt").write_text(f"{KEPT} Card {number}.", encoding="utf-8")
    return folder


@pytest.fixture
def workspace(tmp_path: Path, documents: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Projections are saved beside the database at once."""
    monkeypatch.setattr("retrieval.embedded.projection.Projection.save_rows", 1)
    monkeypatch.setattr("retrieval.embedded.lexical.LexicalProjection.save_rows", 1)
    settings = load_settings({"home": tmp_path / "home", "adapter": "base"})
    with Workspace(settings, FakeEmbedder(), FakeGenerator()) as workspace:
        workspace.ingest(documents, "bank")
        workspace.search(["vault"], "bank")
        yield workspace


def test_a_deleted_document_leaves_every_file(workspace: Workspace) -> None:
    for question in ("When does the vault of branch seventeen open?", "What does the gold card cost?"):
        answer = workspace.answer(Question(question, "bank"))
        workspace.feedback(answer.id, "up", comment="Good.")
    home = workspace.settings.home
    places = {file.name for file, _ in traces(home, [SECRET])}
    assert {"lately.sqlite", "feedback.sqlite", "collection.sqlite"} <= places
    workspace.delete_document("bank", "vault.txt")
    assert traces(home, [SECRET, "vault.txt", "seventeen"]) == []
    assert traces(home, [KEPT])


def test_what_an_ingest_removes_is_gone_too(
    workspace: Workspace, documents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved projections that are not worth being made anew go as a whole."""
    saved = workspace.settings.home / "collections" / "bank" / "lexical"
    assert saved.is_dir()
    monkeypatch.setattr("retrieval.embedded.projection.Projection.save_rows", 1_000)
    monkeypatch.setattr("retrieval.embedded.lexical.LexicalProjection.save_rows", 1_000)
    workspace.answer(Question("When does the vault of branch seventeen open?", "bank"))
    (documents / "vault.txt").unlink()
    assert workspace.ingest(documents, "bank").removed == ("vault.txt",)
    assert traces(workspace.settings.home, [SECRET, "vault.txt"]) == []
    assert not saved.exists()


def test_what_a_rebuild_leaves_out_is_gone_too(workspace: Workspace, documents: Path) -> None:
    answer = workspace.answer(Question("When does the vault of branch seventeen open?", "bank"))
    workspace.feedback(answer.id, "up")
    (documents / "vault.txt").unlink()
    workspace.ingest(documents, "bank", rebuild=True)
    assert traces(workspace.settings.home, [SECRET, "vault.txt"]) == []


class KilledError(BaseException):
    """Stands for the end of the process."""


def delete_the_document(workspace: Workspace, documents: Path) -> None:
    workspace.delete_document("bank", "vault.txt")


def delete_the_collection(workspace: Workspace, documents: Path) -> None:
    workspace.delete_collection("bank")


def ingest_without_it(workspace: Workspace, documents: Path) -> None:
    (documents / "vault.txt").unlink(missing_ok=True)
    workspace.ingest(documents, "bank")


@pytest.mark.parametrize("delete", [delete_the_document, delete_the_collection, ingest_without_it])
def test_a_deletion_that_was_killed_can_be_run_again(
    delete: Callable[[Workspace, Path], None],
    workspace: Workspace,
    documents: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever its next step would have been, nothing of the text is left that no run would remove."""
    answer = workspace.answer(Question("When does the vault of branch seventeen open?", "bank"))
    workspace.feedback(answer.id, "up")

    def killed(*_given: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(FeedbackStore, "forget", killed)
        with pytest.raises(KilledError):
            delete(workspace, documents)
    delete(workspace, documents)
    assert traces(workspace.settings.home, [SECRET, "vault.txt"]) == []


def test_a_member_leaves_the_uploaded_archive(workspace: Workspace, documents: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "papers.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("vault.txt", "card-0.txt"):
            archive.write(documents / name, name)
    workspace.upload([tmp_path / "papers.zip"], "bank")
    workspace.delete_document("bank", "vault.txt")
    left = {file.name for file, _ in traces(workspace.settings.home, [SECRET])}
    assert {"papers.zip", "collection.sqlite"} <= left
    workspace.delete_document("bank", "uploads/papers.zip/vault.txt")
    assert traces(workspace.settings.home, [SECRET, "vault.txt"]) == []


def test_with_a_collection_goes_what_was_answered_from_it(workspace: Workspace) -> None:
    answer = workspace.answer(Question("What does the gold card cost?", "bank"))
    workspace.feedback(answer.id, "down")
    workspace.delete_collection("bank")
    assert traces(workspace.settings.home, [KEPT, SECRET]) == []


def test_a_refusal_that_names_another_document_keeps_its_feedback(workspace: Workspace) -> None:
    answer = workspace.answer(Question("What does the gold card cost?", "bank"))
    assert answer.refused
    assert "card-0.txt" in answer.text
    workspace.feedback(answer.id, "down", correction="200 yuan")
    store = FeedbackStore(workspace.settings.home / "feedback.sqlite")
    store.forget("bank", ["0.txt"])
    assert [entry.answer_id for entry in store.all("bank")] == [answer.id]
    store.forget("bank", ["card-0.txt"])
    assert store.all("bank") == []
