"""No event makes the server fetch a file from an address, or read one that was not uploaded."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import safehttpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.access.store import AccessStore
from app.access.values import ROLES, grant
from app.page.files import FileValues
from app.settings import Settings
from tests.app.serving import client_of
from tests.fake_workspace import FakeWorkspace

META = {"_type": "gradio.FileData"}


async def echo(request: Request) -> Response:
    return JSONResponse(await request.json())


def sent(folder: Path, event: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    routes = [Route("/gradio_api/queue/join", echo, methods=["POST"])]
    client = TestClient(FileValues(Starlette(routes=routes), folder))
    return client.post("/gradio_api/queue/join", json=event)


@pytest.mark.parametrize(
    "path",
    [
        "http://127.0.0.1:1/a",
        "https://bank.example/a",
        "HTTP://x",
        "//x/a",
        "/etc/passwd",
        "../up",
        "",
        "{}/../x",
    ],
)
@pytest.mark.parametrize("place", ["data", "event_data"])
def test_a_file_that_was_not_uploaded_is_refused_wherever_it_stands(
    tmp_path: Path, path: str, place: str
) -> None:
    file = {"path": path.format(tmp_path), "meta": META}
    assert sent(tmp_path, {place: [{"deep": [1, [file]]}]}).status_code == 422


def test_an_uploaded_file_is_passed_on_without_its_address(tmp_path: Path) -> None:
    file = {"path": str(tmp_path / "a" / "手册.pdf"), "url": "https://bank.example/", "meta": META}
    event = {"data": [file, "text", None, 1.5], "fn_index": 3}
    assert sent(tmp_path, event).json() == {**event, "data": [{**file, "url": None}, "text", None, 1.5]}


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    client = TestClient(FileValues(Starlette(), tmp_path))
    for body in (b"", b"{", b"[" * 100_000, b"\xff"):
        assert client.post("/gradio_api/run/predict", content=body).status_code == 422


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address of this machine, and what was asked for there."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_no_event_of_any_role_makes_the_server_call(
    tmp_path: Path, listener: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anybody(hostname: str) -> str:
        return "127.0.0.1"

    # Gradio itself would not call this machine, only others; here it may, so that our door alone stands.
    monkeypatch.setattr(safehttpx, "async_validate_url", anybody)
    address, asked = listener
    store = AccessStore(tmp_path)
    keys = [store.keys.create(role, grant(role)) for role in ROLES]
    with client_of(FakeWorkspace(), Settings(home=tmp_path, requests_per_minute=10_000)) as site:
        functions = len(site.get("/").text.split('"api_name"')) + 10
        for step, key in ((1, None), *((10, key) for key in keys)):
            headers = {} if key is None else {"authorization": f"Bearer {key}"}
            for number in range(0, functions, step):
                file = {"path": f"{address}/{number}", "meta": META}
                event = {"data": [file] * 12, "fn_index": number, "session_hash": "s", "event_data": file}
                for route in ("queue/join", "run/predict"):
                    answer = site.post(f"/gradio_api/{route}", json=event, headers=headers)
                    assert answer.status_code == 422
    assert functions > 30
    assert asked == []
