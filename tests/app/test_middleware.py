"""What the guard adds to responses and which requests it refuses."""

import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from app.middleware import Guard

PAGE = (
    '<head><meta property="og:url" content="https://elsewhere.example/"><script>1</script>'
    '<script type="module" src="a.js"></script></head>'
)


def page(request: Request) -> Response:
    return HTMLResponse(PAGE)


def data(request: Request) -> Response:
    return JSONResponse({"text": "<script>"})


def report(request: Request) -> Response:
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": "sandbox; default-src 'none'"})


@pytest.fixture
def client() -> TestClient:
    routes = [
        Route("/", page),
        Route("/report", report),
        Route("/data", data, methods=["GET", "POST"]),
    ]
    guarded = Guard(Starlette(routes=routes), hosts={"localhost", "127.0.0.1", "::1"})
    return TestClient(guarded, base_url="http://localhost:7860")


def test_scripts_of_the_page_have_the_nonce_of_its_policy_each_time_another(client: TestClient) -> None:
    nonces = set()
    for _ in range(2):
        answer = client.get("/")
        (allowed,) = re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert re.findall(r'<script nonce="([^"]+)"', answer.text) == [allowed, allowed]
        nonces.add(allowed)
    assert len(nonces) == 2
    assert "unsafe-inline" not in answer.headers["content-security-policy"].split("style-src")[0]


def test_a_policy_that_is_there_is_kept_and_its_scripts_get_no_nonce(client: TestClient) -> None:
    answer = client.get("/report")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.text == PAGE
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_points_nowhere_else(client: TestClient) -> None:
    assert "elsewhere" not in client.get("/").text


def test_data_is_passed_on_as_it_is_with_the_headers(client: TestClient) -> None:
    answer = client.get("/data")
    assert answer.json() == {"text": "<script>"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "[bad"])
def test_a_foreign_name_for_this_machine_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/data", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST:1"])
def test_its_own_names_are_served(client: TestClient, host: str) -> None:
    assert client.get("/data", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:7860", 200),
        ("http://localhost:8000", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_other_sites_cannot_send_anything(client: TestClient, origin: str, status: int) -> None:
    assert client.post("/data", headers={"origin": origin}).status_code == status
