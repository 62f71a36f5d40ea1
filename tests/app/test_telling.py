"""What messages tell callers, over the real workspace: no places on the machine, and nothing hidden."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from answering.values import Question
from app.access.values import LOCAL, Principal
from app.api.jobs import Jobs
from app.session import Session
from app.settings import Settings, load_settings
from app.telling import told
from app.workspace import Workspace
from knowledge_base.errors import DomainqaError, SettingsError, StorageError, UnavailableError
from tests.app.serving import client_of
from tests.fake_workspace import FakeWorkspace
from tests.fakes import FakeEmbedder

EVERYWHERE = Principal("wang", "editor", None, "user")
LIMITED = Principal("li", "reader", frozenset({"bank", "gone"}), "user")


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Collections of several people, one of them damaged."""
    settings = Settings(home=tmp_path / "our home", models_cache=tmp_path / "models")
    with Workspace(settings, FakeEmbedder()) as made:
        for name in ("bank", "staff", "payroll"):
            made.create_collection(name)
        broken = settings.home / "collections" / "gone"
        broken.mkdir()
        (broken / "collection.sqlite").write_bytes(b"no database at all" * 300)
        yield made


CALLS: list[Callable[[Session], Any]] = [
    lambda s: s.collection("gone"),
    lambda s: s.documents("gone"),
    lambda s: s.documents("missing"),
    lambda s: s.document("bank", "no.txt"),
    lambda s: s.search(["fees"], "missing"),
    lambda s: s.collections(),
    lambda s: s.versions(),
]


def messages(session: Session) -> str:
    said = []
    for call in CALLS:
        try:
            said.append(str(call(session)))
        except DomainqaError as error:
            said.append(f"{error} {error.cause} {error.remedy}")
    return "\n".join(said)


@pytest.mark.parametrize("principal", [EVERYWHERE, LIMITED, Principal("x", "reader", frozenset({"missing"}))])
def test_who_does_not_run_the_machine_reads_no_places(workspace: Workspace, principal: Principal) -> None:
    said = messages(Session(workspace, principal))
    assert str(workspace.settings.home) not in said
    assert "our home" not in said
    assert said.count("\n") == len(CALLS) - 1
    if principal.collections is not None:
        assert "staff" not in said
        assert "payroll" not in said


def test_an_admin_reads_all_and_the_log_has_it(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(workspace.settings.home) in messages(Session(workspace, LOCAL))
    assert capsys.readouterr().err == ""
    messages(Session(workspace, EVERYWHERE))
    assert "our home/collections/gone" in capsys.readouterr().err


def test_places_become_names_and_the_rest_stays(tmp_path: Path) -> None:
    for text, shown in {
        "The file a.pdf is no longer in /srv/books as it was.": "The file a.pdf is no longer in books as it "
        "was.",
        "See http://127.0.0.1:8000/v1/models and /v1/models.": None,
        "Either/or: 2026/01/31, cards/gold.md": None,
        f"{tmp_path} is full": "the home folder is full",
    }.items():
        assert told(text, EVERYWHERE, tmp_path) == (shown or text)
        assert told(text, LOCAL, tmp_path) == text


def test_errors_while_an_answer_is_written_are_told_alike() -> None:
    workspace = FakeWorkspace()
    workspace.put("bank", "a.txt", "The gold card costs 200.")

    def broken(*_: object) -> Iterator[Any]:
        yield from ()
        raise StorageError("The file /srv/home/x.sqlite cannot be used.", "Look at /srv/home.")

    workspace.ask = broken  # type: ignore[method-assign]
    with pytest.raises(StorageError, match=r"^The file x.sqlite cannot be used\. Look at home\.$"):
        list(Session(workspace, EVERYWHERE).ask(Question("a", "bank")))


@pytest.mark.parametrize("url", ["https://li:s3cret@llm.example/v1", "http://s3cret@llm.example"])
def test_no_message_shows_the_password_of_an_address(url: str, tmp_path: Path) -> None:
    error = UnavailableError(f"The server {url} does not answer.", f"Look at {url}.")
    assert "s3cret" not in f"{error} {error.cause} {error.remedy} {error!r}"
    assert "***@" in error.cause
    for setting in ("generator_url", "elasticsearch_url"):
        with pytest.raises(SettingsError) as caught:
            load_settings({"home": tmp_path, setting: url})
        assert "s3cret" not in str(caught.value)
        assert "***@" in str(caught.value)


def test_a_job_of_a_hidden_collection_is_not_there(tmp_path: Path) -> None:
    from app.access.store import AccessStore
    from app.access.values import grant

    workspace = FakeWorkspace(Settings(home=tmp_path))
    workspace.put("staff", "pay.txt", "The pay is secret.")
    key = AccessStore(tmp_path).keys.create("k", grant("editor", ["bank"]))
    job = Jobs(workspace, tmp_path).ingest(tmp_path / "nowhere", "staff")  # type: ignore[arg-type]
    with client_of(workspace, Settings(home=tmp_path)) as site:
        headers = {"authorization": f"Bearer {key}"}
        hidden = site.get(f"/v1/jobs/{job.id}", headers=headers)
        assert site.get(f"/v1/jobs/{job.id}").status_code == 200
        missing = site.get("/v1/jobs/none", headers=headers)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace(job.id, "none") == missing.text
