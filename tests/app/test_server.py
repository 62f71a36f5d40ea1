"""The server holds its port, answers, keeps files to itself, and ends in good order."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.server import Server
from app.settings import Settings
from finetune.registry.manifest import Description
from knowledge_base.errors import BusyError, InputError
from tests.fake_workspace import FakeWorkspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with something private in it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "settings.toml").write_text('host = "127.0.0.1"', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[httpx.Client]:
    """A client of a served page, where one adapter has a report."""
    (home / "report.html").write_text("<script>1</script>", encoding="utf-8")
    workspace = FakeWorkspace()
    workspace.registry.add("bank", Description(), home)
    server = Server(workspace, Settings(home=home))
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(lambda _: ready.set(),))
    thread.start()
    assert ready.wait(60)
    with httpx.Client(base_url=server.address) as client:
        yield client
    server.stop()
    thread.join(15)
    assert not thread.is_alive()


def test_a_taken_port_is_reported_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BusyError, match=f"{port}.*--port"):
            Server(FakeWorkspace(), Settings(port=port))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "bank.example", "::"])
def test_an_address_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(InputError, match="other machines"):
        Server(FakeWorkspace(), Settings(host=host))


def test_it_is_alive_and_guarded(site: httpx.Client) -> None:
    answer = site.get("/healthz")
    assert answer.json() == {"status": "ok"}
    assert "content-security-policy" in answer.headers
    assert "server" not in answer.headers


def config_of(page: str) -> dict[str, Any]:
    """What Gradio tells the page of itself."""
    found = re.search(r"window\.gradio_config = (\{.*?\});</script>", page, re.DOTALL)
    assert found
    config: dict[str, Any] = json.loads(found[1])
    return config


def test_the_page_is_at_the_root_and_sends_no_statistics(site: httpx.Client) -> None:
    answer = site.get("/")
    assert "<gradio-app" in answer.text
    assert "https://" not in answer.headers["content-security-policy"]
    config = config_of(answer.text)
    assert config["analytics_enabled"] is False
    assert config["title"] == "domainqa"


def test_nothing_of_the_disk_can_be_fetched(site: httpx.Client, home: Path) -> None:
    for path in (home / "settings.toml", Path(__file__), Path("/etc/passwd")):
        for door in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/gradio_api//file="):
            answer = site.get(f"{door}{path}")
            assert answer.status_code in {403, 404, 405}, door


def test_a_report_is_sent_as_a_page_that_runs_nothing(site: httpx.Client) -> None:
    answer = site.get("/reports/adapters/bank@1")
    assert (answer.status_code, answer.text) == (200, "<script>1</script>")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "runs/none",
        "adapters/bank@2",
        "adapters/..%2Fsettings.toml",
        "runs/..%2f..%2fsettings.toml",
        "runs/%2e%2e",
        "files/settings.toml",
    ],
)
def test_nothing_but_reports_is_sent(site: httpx.Client, path: str) -> None:
    answer = site.get(f"/reports/{path}")
    assert answer.status_code in {404, 422}
    assert "127.0.0.1" not in answer.text


def test_no_function_of_the_page_is_open_to_programs(site: httpx.Client) -> None:
    assert site.get("/gradio_api/info").status_code == 404
    config = config_of(site.get("/").text)
    events = config["dependencies"]
    assert events
    assert [event["api_name"] for event in events if event["api_visibility"] == "public"] == []


def test_an_upload_from_another_site_is_refused(site: httpx.Client) -> None:
    files = {"files": ("a.txt", b"text")}
    answer = site.post("/gradio_api/upload", files=files, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_a_file_that_is_too_large_is_refused(home: Path, site: httpx.Client) -> None:
    limit = config_of(site.get("/").text)["max_file_size"]
    assert limit == Settings(home=home).max_file_megabytes * 1024 * 1024


def test_a_signal_ends_it_in_good_order(tmp_path: Path) -> None:
    program = (
        "from app.server import Server\n"
        "from app.settings import Settings\n"
        "from pathlib import Path\n"
        "from tests.fake_workspace import FakeWorkspace\n"
        f"with FakeWorkspace() as workspace:\n"
        f"    server = Server(workspace, Settings(home=Path({str(tmp_path)!r})))\n"
        "    server.run(lambda address: print(address, flush=True))\n"
        "print('closed', workspace.closed, flush=True)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=root, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline().strip() == "closed True"
        assert process.wait(20) == 0
    assert time.monotonic() - began < 10
    assert not list(tmp_path.glob("domainqa-*"))
