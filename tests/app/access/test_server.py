"""The server by real HTTP: without, with a wrong, with a too small, and with a sufficient key or log-in."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.access.store import AccessStore
from app.access.values import ROLES, grant
from app.page.runs import Runs
from app.server import Server, create_app
from app.settings import Settings
from knowledge_base.errors import InputError
from tests.app.access.routes import TABLE, routes_of
from tests.app.serving import client_of
from tests.fake_workspace import FakeWorkspace

PASSWORD = "correct horse"  # noqa: S105
HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> AccessStore:
    """A home with a user."""
    made = AccessStore(tmp_path_factory.mktemp("access"))
    made.users.add("li", PASSWORD, grant("editor"))
    return made


@pytest.fixture(scope="module")
def keys(store: AccessStore) -> dict[str, str]:
    """A key for each role."""
    return {role: store.keys.create(f"the-{role}", grant(role)) for role in ROLES}


@pytest.fixture(scope="module")
def site(store: AccessStore) -> Iterator[httpx.Client]:
    """A server that other machines can reach."""
    home = store.keys.database.file.parent
    settings = Settings(home=home, host="0.0.0.0", requests_per_minute=100_000)  # noqa: S104
    with client_of(FakeWorkspace(), settings) as client:
        yield client


def status_of(site: httpx.Client, route: str, key: str | None) -> int:
    """What a route answers; its body, which may never end, is not read."""
    method, template = route.split(" ", 1)
    path = re.sub(r"\{[^}]*\}", "x", template.replace("{kind}", "adapters").replace("{api_name}", "predict"))
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    with site.stream(method, path, headers=headers) as answer:
        return answer.status_code


def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    app = create_app(FakeWorkspace(), Settings(home=tmp_path), Runs(), tmp_path)
    listed = [route for routes in TABLE.values() for route in routes]
    assert sorted(set(routes_of(app.routes))) == sorted(listed)


def test_nobody_and_wrong_keys_are_refused_everywhere_else(site: httpx.Client) -> None:
    for needs, routes in TABLE.items():
        for route in routes:
            expected = {"nothing": {200, 303, 401}, "closed": {404}}.get(needs, {401})
            statuses = {status_of(site, route, key) for key in (None, "dq_000000000000_wrong")}
            assert statuses <= expected, route
    assert site.get("/healthz").status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_it_may(site: httpx.Client, keys: dict[str, str], role: str) -> None:
    rights = {"reader": ("read",), "editor": ("read", "write"), "admin": ("read", "write", "admin")}[role]
    for needs in ("read", "write", "admin", "owner"):
        for route in TABLE[needs]:  # type: ignore[index]
            status = status_of(site, route, keys[role])
            assert (status not in {401, 403}) if needs in rights else (status == 403), route


@pytest.mark.parametrize("route", TABLE["closed"])
def test_closed_doors_are_closed_for_admins_too(site: httpx.Client, keys: dict[str, str], route: str) -> None:
    assert status_of(site, route, keys["admin"]) == 404


def test_refusals_have_the_shape_that_clients_of_openai_know(
    site: httpx.Client, keys: dict[str, str]
) -> None:
    for headers, status, code in (
        ({}, 401, "missing_api_key"),
        ({"authorization": "Bearer dq_1_2"}, 401, "invalid_api_key"),
        ({"authorization": "Basic bGk6eA=="}, 401, "missing_api_key"),
        ({"authorization": f"Bearer {keys['reader']}"}, 403, "insufficient_permissions"),
    ):
        answer = site.post("/gradio_api/upload", headers=headers)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], set(error)) == (
            status,
            code,
            {"message", "type", "param", "code"},
        )
        assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_revoked_key_is_refused_by_a_running_server(site: httpx.Client, store: AccessStore) -> None:
    key = store.keys.create("short-lived", grant("reader"))
    assert status_of(site, "GET /metrics", key) == 200
    store.keys.revoke("short-lived")
    assert status_of(site, "GET /metrics", key) == 401


def test_a_browser_is_led_to_the_log_in_and_back(site: httpx.Client) -> None:
    first = site.get("/?view=1", headers=HTML)
    assert (first.status_code, first.headers["location"]) == (303, "/login?next=/")
    form = site.get("/login?next=/reports/runs/a", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert 'value="/reports/runs/a"' in form.text
    assert "登录" in form.text
    answer = site.post("/login", data={"name": "LI", "password": PASSWORD, "next": "/metrics"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/metrics")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert site.get("/metrics").status_code == 200
    assert status_of(site, "GET /reports/{kind}/{name}", None) == 403
    secret = site.cookies["domainqa-session"]
    assert site.post("/logout").headers["location"] == "/login"
    cookie = {"cookie": f"domainqa-session={secret}"}
    assert site.get("/metrics", headers=cookie).status_code == 401
    site.cookies.clear()


def test_a_cookie_is_sent_over_tls_alone_once_a_proxy_says_that_there_is_tls(site: httpx.Client) -> None:
    form = {"name": "li", "password": PASSWORD}
    answer = site.post("/login", data=form, headers={"x-forwarded-proto": "https"})
    assert "; secure" in answer.headers["set-cookie"].lower()
    site.cookies.clear()


@pytest.mark.parametrize("away", ["//evil.example", "https://evil.example", "/\\evil.example", "/\r\nx: y"])
def test_nobody_is_led_elsewhere(site: httpx.Client, away: str) -> None:
    answer = site.post("/login", data={"name": "li", "password": PASSWORD, "next": away})
    assert answer.headers["location"] == "/"
    site.cookies.clear()


def test_wrong_passwords_are_refused_and_slowed(site: httpx.Client) -> None:
    form = {"name": "<b>nobody</b>", "password": "wrong horse"}
    answers = [site.post("/login", data=form) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert "The name or the password is wrong." in answers[0].text
    assert int(answers[-1].headers["retry-after"]) in {1, 2}
    assert "set-cookie" not in answers[0].headers


def test_a_log_in_from_another_site_is_refused(site: httpx.Client) -> None:
    form = {"name": "li", "password": PASSWORD}
    answer = site.post("/login", data=form, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "bank.example", "::"])  # noqa: S104
def test_it_does_not_start_for_others_without_anybody_to_let_in(tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match=r"other machines.*domainqa users add"):
        Server(FakeWorkspace(), Settings(home=tmp_path, host=host))


def test_it_does_not_start_when_all_are_asked_and_nobody_could_answer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="every caller"):
        Server(FakeWorkspace(), Settings(home=tmp_path, access="required"))


def test_locally_any_key_but_one_of_ours_is_the_local_caller(tmp_path: Path) -> None:
    store = AccessStore(tmp_path)
    revoked = store.keys.create("old", grant("admin"))
    with client_of(FakeWorkspace(), Settings(home=tmp_path)) as site:
        for key in ("none", "sk-123", "DQ_1"):
            assert status_of(site, "GET /reports/{kind}/{name}", key) == 404, key
        assert status_of(site, "GET /metrics", revoked) == 200
        store.keys.revoke("old")
        answer = site.get("/metrics", headers={"authorization": f"Bearer {revoked}"})
        assert answer.status_code == 401
        assert "No key is needed from this machine" in answer.json()["error"]["message"]


def test_locally_no_login_is_needed_but_a_wrong_key_is_refused(tmp_path: Path) -> None:
    key = AccessStore(tmp_path).keys.create("website", grant("reader"))
    with client_of(
        FakeWorkspace(), Settings(home=tmp_path, requests_per_minute=1, max_request_megabytes=1)
    ) as site:
        assert site.get("/metrics").status_code == 200
        assert status_of(site, "GET /reports/{kind}/{name}", None) == 404
        assert status_of(site, "GET /metrics", "dq_1_2") == 401
        bearer = {"authorization": f"Bearer {key}"}
        assert site.get("/metrics", headers=bearer).status_code == 200
        often = site.get("/metrics", headers=bearer)
        assert (often.status_code, often.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 0 < int(often.headers["retry-after"]) <= 60
        large = site.post("/gradio_api/upload", files={"files": ("a.txt", b"x" * 2_000_000)})
        assert (large.status_code, large.json()["error"]["code"]) == (413, "request_too_large")
        assert len(large.headers["x-request-id"]) == 16
