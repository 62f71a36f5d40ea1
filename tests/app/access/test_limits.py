"""Limits and the log, each by itself."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app import log
from app.access.bodies import FORM_BYTES, TEXT_BYTES, BodyLimit
from app.access.middleware import RateLimit
from app.access.values import Principal
from app.middleware import RequestLog
from app.spool import Spool

MEGABYTE = 1024 * 1024


async def count(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def fail(request: Request) -> Response:
    raise RuntimeError("a secret text")


async def known(request: Request) -> Response:
    request.state.principal = Principal("website", "reader")
    return PlainTextResponse("")


APP = Starlette(
    routes=[
        Route("/login", count, methods=["POST"]),
        Route("/v1/generate", count, methods=["POST"]),
        Route("/gradio_api/upload", count, methods=["POST"]),
        Route("/known", known),
        Route("/gradio_api/heartbeat/secret", known),
        Route("/fail", fail),
    ]
)


def pieces(size: int) -> Iterator[bytes]:
    yield b"x" * (size // 2)
    yield b"x" * (size - size // 2)


def limited(folder: Path, megabytes: int, waiting: int = 1000) -> TestClient:
    return TestClient(BodyLimit(APP, megabytes, Spool(folder, waiting)))


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("path", "most"),
    [("/login", FORM_BYTES), ("/v1/generate", TEXT_BYTES), ("/gradio_api/upload", 20 * MEGABYTE)],
)
def test_a_body_has_the_limit_of_what_its_route_needs(
    tmp_path: Path, path: str, most: int, chunked: bool
) -> None:
    client = limited(tmp_path, 20)
    assert client.post(path, content=pieces(most) if chunked else b"x" * most).text == str(most)
    too_large = client.post(path, content=pieces(most + 1) if chunked else b"x" * (most + 1))
    assert (too_large.status_code, too_large.headers["connection"]) == (413, "close")


def test_files_are_refused_while_those_that_wait_leave_no_room(tmp_path: Path) -> None:
    client = limited(tmp_path, 2, waiting=2)
    waiting = tmp_path / "incoming" / "job" / "a.txt"
    waiting.parent.mkdir(parents=True)
    waiting.write_bytes(b"x" * MEGABYTE)
    assert client.post("/gradio_api/upload", content=b"x" * MEGABYTE).status_code == 200
    full = client.post("/gradio_api/upload", content=b"x" * (MEGABYTE + 1))
    assert (full.status_code, full.json()["error"]["code"]) == (429, "busy")
    assert client.post("/v1/generate", content=b"x" * (MEGABYTE + 1)).status_code == 200
    waiting.unlink()
    assert client.post("/gradio_api/upload", content=b"x" * 2 * MEGABYTE).status_code == 200


def test_a_key_fills_its_bucket_evenly_and_alone(tmp_path: Path) -> None:
    now = 0.0
    rate = RateLimit(tmp_path, 3, lambda: now)
    assert [rate.wait("one") for _ in range(4)] == [0, 0, 0, 20]
    assert rate.wait("other") == 0
    now = 19.0
    assert rate.wait("one") == 1
    now = 20.0
    assert [rate.wait("one") for _ in range(2)] == [0, 20]
    now = 1000.0
    assert [rate.wait("one") for _ in range(4)] == [0, 0, 0, 20]


def test_servers_of_one_home_count_together_and_none_loses_a_request(tmp_path: Path) -> None:
    servers = [RateLimit(tmp_path, 50, lambda: 0.0) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda number: servers[number % 4].wait("one"), range(80)))
    assert waits.count(0) == 50


def test_a_count_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "rates.sqlite").write_bytes(b"no database at all" * 100)
    rate = RateLimit(tmp_path, 1, lambda: 0.0)
    assert [rate.wait("one"), rate.wait("one")] == [0, 0]


def test_a_line_says_who_called_what_and_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    client = TestClient(RequestLog(APP, log.write), raise_server_exceptions=False)
    answer = client.get("/known?question=secret", headers={"authorization": "Bearer secret"})
    client.get("/fail")
    client.get("/gradio_api/heartbeat/secret")
    lines = capsys.readouterr().err.splitlines()
    assert "secret" not in "".join(lines)
    first, second, third = (json.loads(line) for line in lines)
    assert answer.headers["x-request-id"] == first["request"]
    assert (first["method"], first["path"], first["status"], first["caller"]) == (
        "GET",
        "/known",
        200,
        "website",
    )
    assert (second["status"], second["caller"]) == (500, None)
    assert third["path"] == "/gradio_api/heartbeat/"
    assert first["seconds"] >= 0
