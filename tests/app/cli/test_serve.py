"""`domainqa serve`: the page itself is tried in tests/app/browser."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import Settings
from knowledge_base.errors import ModelError
from tests.app.cli.conftest import Run
from tests.fake_workspace import FakeWorkspace


class FakeServer:
    """Is ready, and ends, at once."""

    def __init__(self, service: FakeWorkspace, settings: Settings) -> None:
        self.service, self.host, self.port = service, settings.host, settings.port

    def run(self, ready: Callable[[str], None]) -> None:
        """Tell the address."""
        ready(f"http://127.0.0.1:{self.port}/")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[FakeServer]:
    """What was served instead of the page."""
    servers: list[FakeServer] = []

    def server(service: FakeWorkspace, settings: Settings) -> FakeServer:
        servers.append(FakeServer(service, settings))
        return servers[-1]

    monkeypatch.setattr("app.server.Server", server)
    return servers


@pytest.mark.usefixtures("served")
def test_it_is_not_ready_while_the_models_cannot_be_loaded(run: Run, workspace: FakeWorkspace) -> None:
    workspace.failure = ModelError("The model in /models/broken cannot be loaded.", "Unpack it again.")
    result = run("serve", "--port", "4711")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "http://127.0.0.1:4711/" in result.stderr
    assert '"event": "not ready"' in result.stderr
    assert "/models/broken cannot be loaded" in result.stderr


def test_the_address_is_printed_when_questions_can_be_answered(
    run: Run, workspace: FakeWorkspace, served: list[FakeServer]
) -> None:
    result = run("serve", "--port", "4711")
    assert (result.exit_code, result.stdout) == (0, "domainqa is ready: http://127.0.0.1:4711/\n")
    assert [(one.service, one.host, one.port) for one in served] == [(workspace, "127.0.0.1", 4711)]
    assert workspace.closed


@pytest.mark.usefixtures("served")
def test_a_folder_is_taken_in_first(run: Run, workspace: FakeWorkspace, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("The gold card costs 200.", encoding="utf-8")
    result = run("serve", "--ingest", str(tmp_path), "--collection", "bank")
    assert result.exit_code == 0
    assert "domainqa is ready" in result.stdout.splitlines()[-1]
    assert "new.txt" in workspace.indexes["bank"].catalogue()
    again = run("serve", "--ingest", str(tmp_path), "--collection", "bank")
    assert again.stdout.startswith("Nothing has changed: ")


@pytest.mark.usefixtures("served")
def test_a_folder_that_is_not_there_is_reported_before_anything_is_served(run: Run, tmp_path: Path) -> None:
    result = run("serve", "--ingest", str(tmp_path / "nowhere"))
    assert result.exit_code == 3
    assert "nowhere" in result.stderr
    assert "ready" not in result.stdout


def test_a_port_in_use_is_reported(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = run("serve", "--port", str(other.getsockname()[1]))
    assert result.exit_code == 7
    assert "Traceback" not in result.stderr


def test_an_address_that_others_can_reach_is_refused(run: Run) -> None:
    result = run("serve", "--host", "0.0.0.0")
    assert result.exit_code == 3
    assert result.stdout == ""
