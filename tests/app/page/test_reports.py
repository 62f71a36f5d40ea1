"""Reports are found by run and by version, and nothing else is."""

from pathlib import Path

import pytest

from app.access.values import LOCAL
from app.page.reports import report_response, run_report, version_report
from app.session import Session
from finetune.registry.manifest import Description
from finetune.retrain.runs import RunRequest
from finetune.retrain.values import Outcome
from knowledge_base.errors import InputError, NotFoundError
from tests.fake_workspace import FakeWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> FakeWorkspace:
    """A run with a report, one without, and their versions."""
    made = FakeWorkspace()
    for folder in (tmp_path / "first", tmp_path / "second"):
        folder.mkdir()
        made.runs.create(RunRequest("bank", "bank"))
        made.registry.add("bank", Description(), folder)
    report = tmp_path / "first" / "report.html"
    report.write_text("<h1>Besser 更好</h1>", encoding="utf-8")
    first = made.runs.list()[-1]
    made.runs.finish(first.id, Outcome("bank", 1, True, (), ""), report)
    return made


def test_the_report_of_a_run_and_of_its_version_is_found(workspace: FakeWorkspace, tmp_path: Path) -> None:
    second, first = workspace.runs.list()
    assert run_report(Session(workspace, LOCAL), first.id) == tmp_path / "first" / "report.html"
    assert version_report(Session(workspace, LOCAL), "bank@1") == tmp_path / "first" / "report.html"
    with pytest.raises(NotFoundError, match=second.id):
        run_report(Session(workspace, LOCAL), second.id)
    with pytest.raises(NotFoundError, match="bank@2"):
        version_report(Session(workspace, LOCAL), "bank@2")


@pytest.mark.parametrize("name", ["", "..", "../first", "/etc/passwd", "a\0b", ".hidden", "x" * 500, "none"])
def test_no_other_file_is_found(workspace: FakeWorkspace, name: str) -> None:
    with pytest.raises(NotFoundError):
        run_report(Session(workspace, LOCAL), name)
    with pytest.raises((NotFoundError, InputError)):
        version_report(Session(workspace, LOCAL), name)
    assert report_response(Session(workspace, LOCAL), "runs", name).status_code == 404
    assert report_response(Session(workspace, LOCAL), "adapters", name).status_code == 404


def test_a_report_may_run_nothing(workspace: FakeWorkspace) -> None:
    answer = report_response(Session(workspace, LOCAL), "adapters", "bank@1")
    assert bytes(answer.body).decode() == "<h1>Besser 更好</h1>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "script-src" not in policy


def test_a_report_that_is_not_text_is_an_error(workspace: FakeWorkspace, tmp_path: Path) -> None:
    (tmp_path / "first" / "report.html").write_bytes(b"\xff\xfe\xff")
    answer = report_response(Session(workspace, LOCAL), "adapters", "bank@1")
    assert answer.status_code == 404
    assert b"cannot be read" in bytes(answer.body)
