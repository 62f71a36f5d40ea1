"""A whole session at the page: the server process reaches nobody, and asks for no name in the network."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.settings import Settings
from tests.app.browser.conftest import Visits, WatchedWorkspace, eventually
from tests.app.serving import served

pytestmark = pytest.mark.browser

_HERE = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared with, never bound
_OUTWARDS = {
    "socket.connect",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
}


@pytest.fixture(scope="module")
def _listening() -> list[list[str]]:
    """Lists to which everything is added that the process asks of the network; a hook cannot be removed."""
    listeners: list[list[str]] = []

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if listeners and event in _OUTWARDS:
            found = arguments[1] if event.startswith(("socket.connect", "socket.send")) else arguments[0]
            name = found[0] if isinstance(found, tuple) else found
            for listener in listeners:
                listener.append(f"{event} {name}")

    sys.addaudithook(heard)
    return listeners


@pytest.fixture
def outwards(_listening: list[list[str]]) -> Iterator[list[str]]:
    """What the process asked of the network since the test began."""
    found: list[str] = []
    _listening.append(found)
    yield found
    _listening.remove(found)


def test_a_whole_session_opens_no_connection_to_elsewhere(
    outwards: list[str], visits: Visits, workspace: WatchedWorkspace, tmp_path: Path
) -> None:
    file = tmp_path / "hours.txt"
    file.write_text("The branches open at nine.", encoding="utf-8")
    with served(workspace, Settings(home=tmp_path / "home")) as address:
        visit = visits(address)
        visit.ask("What is the annual fee of the platinum card?")
        visit.page.locator("#dq-settled .dq-chip").first.click()
        visit.page.locator("#dq-source mark").first.wait_for()
        visit.page.locator("[data-verdict=up]").first.click()
        assert eventually(lambda: bool(workspace.given))
        visit.tab(1)
        visit.page.set_input_files("#dq-upload input[type=file]", str(file))
        visit.sees("#dq-documents", "hours.txt")
        for number in (2, 3):
            visit.tab(number)
        visit.page.reload()
        visit.page.locator("#dq-settled .dq-exchange").first.wait_for(state="attached")
        httpx.get(f"{address}healthz")
        visit.page.goto("about:blank")  # before the server ends, so that the page misses nothing
    assert outwards  # the last request, at least
    assert [one for one in outwards if not one.split()[-1].startswith(_HERE)] == []
