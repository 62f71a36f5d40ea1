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

from app.access.middleware import RateLimit
from app.access.values import Principal
from app.middleware import PLAIN_MEGABYTES, BodyLimit, RequestLog

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
        Route("/", count, methods=["POST"]),
        Route("/known", known),
        Route("/gradio_api/heartbeat/secret", known),
        Route("/fail", fail),
    ]
)


def pieces(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield b"x" * MEGABYTE


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_files_has_a_small_limit(chunked: bool) -> None:
    client = TestClient(BodyLimit(APP, 100))
    fits, too_large = PLAIN_MEGABYTES, PLAIN_MEGABYTES + 1
    assert client.post("/", content=pieces(fits) if chunked else b"x" * fits * MEGABYTE).status_code == 200
    content = pieces(too_large) if chunked else b"x" * too_large * MEGABYTE
    assert client.post("/", content=content).status_code == 413


def test_files_have_the_limit_of_the_settings() -> None:
    client = TestClient(BodyLimit(APP, 20))
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/", content=b"x" * 20 * MEGABYTE, headers=headers).status_code == 200
    assert client.post("/", content=b"x" * 21 * MEGABYTE, headers=headers).status_code == 413


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


def test_a_line_says_who_called_what_and_how_it_ended() -> None:
    lines: list[str] = []
    client = TestClient(RequestLog(APP, lines.append), raise_server_exceptions=False)
    answer = client.get("/known?question=secret", headers={"authorization": "Bearer secret"})
    client.get("/fail")
    client.get("/gradio_api/heartbeat/secret")
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
