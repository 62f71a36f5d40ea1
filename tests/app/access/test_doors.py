"""Doors of a running server: what is read of whom, whose cookies count, what proxies may say."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from pathlib import Path

import httpx
import pytest
from starlette.types import Message

from app.access import users as user_store
from app.access.bodies import BodyLimit
from app.access.middleware import Access, RateLimit
from app.access.store import AccessStore
from app.access.values import grant
from app.settings import Settings
from app.spool import Spool
from tests.app.serving import client_of
from tests.fake_workspace import FakeWorkspace

PASSWORD = "correct horse"  # noqa: S105
FORM = {"name": "li", "password": PASSWORD}


@pytest.fixture
def store(tmp_path: Path) -> AccessStore:
    made = AccessStore(tmp_path)
    made.users.add("li", PASSWORD, grant("editor"))
    return made


@pytest.fixture
def site(store: AccessStore, tmp_path: Path) -> Iterator[httpx.Client]:
    settings = Settings(home=tmp_path, access="required", requests_per_minute=20)
    with client_of(FakeWorkspace(), settings) as client:
        yield client


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/v1/collections/bank/documents", "/nowhere"])
@pytest.mark.parametrize("asks_first", [False, True])
def test_nothing_is_kept_of_a_body_whose_sender_is_unknown(
    store: AccessStore, tmp_path: Path, path: str, asks_first: bool
) -> None:
    received: list[Message] = []
    answered: list[Message] = []

    async def app(*_: object) -> None:
        raise AssertionError("let in")

    async def receive() -> Message:
        received.append({"type": "http.request", "body": b"x" * 2**16, "more_body": True})
        return received[-1]

    async def send(message: Message) -> None:
        answered.append(message)

    inner = BodyLimit(app, 1000, Spool(tmp_path, 1000))
    access = Access(inner, store, True, RateLimit(tmp_path, 300))
    expect = [(b"expect", b"100-continue")] if asks_first else []
    headers = [
        (b"content-length", b"500000000"),
        (b"content-type", b"multipart/form-data; boundary=x"),
        *expect,
    ]
    scope = {"type": "http", "method": "POST", "scheme": "http", "path": path, "headers": headers}
    with ThreadPoolExecutor() as aside:  # Playwright leaves a loop running in this thread
        aside.submit(asyncio.run, access(scope, receive, send)).result()
    assert answered[0]["status"] in {401, 404}
    assert (b"connection", b"close") in answered[0]["headers"]
    assert len(received) == (0 if asks_first else 64)
    assert not (tmp_path / "spool").exists()


def test_a_log_in_carries_no_more_than_a_form(site: httpx.Client) -> None:
    large = site.post("/login", data={**FORM, "next": "/" + "x" * 20_000})
    assert (large.status_code, large.headers["connection"]) == (413, "close")
    files = site.post("/login", data=FORM, files={"file": ("a.txt", b"x" * 20_000)})
    assert files.status_code == 413
    longest = {"name": "li", "password": "密" * 1024}
    assert site.post("/login", data=longest).status_code == 401
    assert site.post("/login", data=FORM).status_code == 303


def test_password_checks_hold_up_nothing_else_and_do_not_pile_up(
    site: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, goes_on, true_check = threading.Event(), threading.Event(), user_store.matches

    def slow(password: str, stored: str | None) -> bool:
        waiting.set()
        assert goes_on.wait(30)
        return true_check(password, stored)

    key = {"cookie": f"domainqa-session={signed_in(site)}"}
    monkeypatch.setattr(user_store, "matches", slow)
    with ThreadPoolExecutor(60) as pool:
        guesses = [pool.submit(site.post, "/login", data={**FORM, "name": f"n{n}"}) for n in range(50)]
        assert waiting.wait(30)
        assert site.get("/metrics", headers=key).status_code == 200
        refused = list(islice(as_completed(guesses, 30), 42))
        goes_on.set()
        statuses = [guess.result().status_code for guess in guesses]
    assert {guess.result().status_code for guess in refused} == {429}
    assert sorted(statuses) == [401] * 8 + [429] * 42


def signed_in(site: httpx.Client) -> str:
    """The secret of a new session; the client keeps no cookie."""
    answer = site.post("/login", data=FORM)
    site.cookies.clear()
    return answer.cookies["domainqa-session"]


@pytest.mark.parametrize(
    "others",
    ['a[b]={"x": 1}', "naïve=é", "weird", "=", 'open="x', "domainqa-session=of-another-site"],
)
def test_cookies_of_others_hide_none_of_ours(site: httpx.Client, others: str) -> None:
    ours = f"domainqa-session={signed_in(site)}"
    for cookie in (f"{others}; {ours}", f"{ours}; {others}"):
        assert site.get("/metrics", headers={"cookie": cookie.encode()}).status_code == 200


def test_a_session_has_a_rate_limit_and_pictures_of_the_page_do_not_count(site: httpx.Client) -> None:
    cookie = {"cookie": f"domainqa-session={signed_in(site)}"}
    for _ in range(20):
        assert site.get("/theme.css", headers=cookie).status_code == 200
    statuses = [site.get("/metrics", headers=cookie).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    other = {"cookie": f"domainqa-session={signed_in(site)}"}
    assert site.get("/metrics", headers=other).json()["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"])
def test_what_a_proxy_passes_on_is_not_local(store: AccessStore, tmp_path: Path, header: str) -> None:
    with client_of(FakeWorkspace(), Settings(home=tmp_path)) as site:
        assert site.get("/metrics").status_code == 200
        assert site.get("/metrics", headers={header: "127.0.0.1"}).status_code == 401
        led = site.get("/", headers={header: "127.0.0.1", "accept": "text/html"})
        assert (led.status_code, led.headers["location"]) == (303, "/login?next=/")
        key = {"authorization": f"Bearer {store.keys.create('proxied', grant('reader'))}"}
        assert site.get("/metrics", headers={header: "127.0.0.1", **key}).status_code == 200


@pytest.mark.parametrize("trusted", [("127.0.0.0/8",), ("192.0.2.1",)])
def test_only_a_trusted_proxy_says_who_calls_and_how(
    store: AccessStore, tmp_path: Path, trusted: tuple[str, ...]
) -> None:
    is_trusted = trusted == ("127.0.0.0/8",)
    with client_of(FakeWorkspace(), Settings(home=tmp_path, trusted_proxies=trusted)) as site:
        for _ in range(5):
            told = {"x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https"}
            site.post("/login", data={**FORM, "password": "wrong horse"}, headers=told)
        told = {"x-forwarded-for": "203.0.113.6", "x-forwarded-proto": "https"}
        answer = site.post("/login", data=FORM, headers=told)
    assert answer.status_code == (303 if is_trusted else 429)
    if is_trusted:
        assert all("; Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
        assert {cookie.name for cookie in answer.cookies.jar} == {
            "__Host-domainqa-session",
            "__Host-domainqa-device",
        }


@pytest.mark.parametrize("header", ["x-forwarded-host", "x-forwarded-prefix", "x-gradio-server", "forwarded"])
def test_the_page_takes_no_address_from_headers(store: AccessStore, tmp_path: Path, header: str) -> None:
    key = store.keys.create("page", grant("admin"))
    with client_of(FakeWorkspace(), Settings(home=tmp_path)) as site:
        value = "http://evil.example" if header == "x-gradio-server" else "evil.example"
        page = site.get("/", headers={header: value, "authorization": f"Bearer {key}"})
    assert page.status_code == 200
    assert "evil.example" not in page.text
