"""`domainqa serve`: the page itself is tried in tests/app/browser."""

import socket
from collections.abc import Callable

import pytest

from app.settings import Settings
from tests.app.cli.conftest import Run
from tests.fake_workspace import FakeWorkspace


def test_the_address_is_printed_when_the_page_is_ready(
    run: Run, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = []

    def serve(service: FakeWorkspace, settings: Settings, ready: Callable[[str], None]) -> None:
        served.append((service, settings.host, settings.port))
        ready("http://127.0.0.1:4711/")

    monkeypatch.setattr("app.server.serve", serve)
    result = run("serve", "--port", "4711")
    assert (result.exit_code, result.stdout) == (0, "domainqa is ready: http://127.0.0.1:4711/\n")
    assert served == [(workspace, "127.0.0.1", 4711)]
    assert workspace.closed


def test_a_port_in_use_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = run("serve", "--port", str(other.getsockname()[1]))
    assert result.exit_code == 7
    assert "Traceback" not in result.stderr


def test_an_address_that_others_can_reach_is_refused(run: Run) -> None:
    result = run("serve", "--host", "0.0.0.0")
    assert result.exit_code == 3
    assert result.stdout == ""
