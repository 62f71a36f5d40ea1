"""The files of deploy/: a unit of systemd, nginx in front of a server, and a dashboard of Grafana."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app.access.store import AccessStore
from app.access.values import grant
from app.settings import Settings
from tests.app.serving import client_of, served
from tests.fake_workspace import FakeWorkspace
from tests.fakes import FakeGenerator

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
PASSWORD = "correct horse"  # noqa: S105
FORM = {"name": "li", "password": PASSWORD}


def needed(program: str, package: str) -> str:
    """Where a program is; without it the test is skipped, which in CI is a failure."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is missing: apt-get install {package}")
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    analyze = needed("systemd-analyze", "systemd")
    program = tmp_path / "domainqa"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    unit = (DEPLOY / "domainqa.service").read_text(encoding="utf-8")
    copy = tmp_path / "domainqa.service"
    copy.write_text(unit.replace("/opt/domainqa/bin/domainqa serve", f"{program} serve"), encoding="utf-8")
    checked = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_linter_finds_nothing_in_the_container_file() -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("not in CI: hadolint, which is under the GPL, is no part of the development tools")
    checked = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")


@contextmanager
def proxied(folder: Path, address: str) -> Iterator[tuple[str, str]]:
    """nginx by its example, in front of a server: its addresses with TLS and without."""
    nginx, openssl = needed("nginx", "nginx-light"), needed("openssl", "openssl")
    key, certificate = folder / "answers.key", folder / "answers.pem"
    made = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", *made, "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    secure, plain = free_port(), free_port()
    example = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    example = re.sub(r".*listen \[::\].*\n", "", example)
    for ours, test in {
        "server 127.0.0.1:7860": f"server {httpx.URL(address).netloc.decode()}",
        "listen 443": f"listen 127.0.0.1:{secure}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "answers.example.org": "127.0.0.1",
        "/etc/ssl/answers.pem": str(certificate),
        "/etc/ssl/answers.key": str(key),
    }.items():
        assert ours in example
        example = example.replace(ours, test)
    places = "".join(
        f"{name}_temp_path {folder / name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"pid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{example}}}\n"
    )
    (folder / "nginx.conf").write_text(whole, encoding="utf-8")
    command = [nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert "test is successful" in tested.stderr
    assert "[warn]" not in tested.stderr
    process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        yield f"https://127.0.0.1:{secure}", f"http://127.0.0.1:{plain}"
    finally:
        process.terminate()
        process.wait(20)


def reaches(address: str) -> bool:
    """Whether somebody listens there before one has waited too long."""
    for _ in range(100):
        with suppress(httpx.TransportError):
            httpx.get(address)
            return True
        time.sleep(0.05)
    return False


def test_nginx_before_a_server_sets_what_it_believes(tmp_path: Path) -> None:
    folder = Path(tmp_path, "nginx")
    folder.mkdir()
    AccessStore(tmp_path).users.add("li", PASSWORD, grant("admin"))
    bank = FakeWorkspace()
    bank.put("bank", "fees.txt", "The gold card costs 200 a year.")
    with (
        served(bank, Settings(home=tmp_path)) as address,  # access = "auto": what comes through is not local
        proxied(folder, address) as (secure, plain),
        httpx.Client(
            base_url=secure,
            verify=ssl.create_default_context(cafile=str(folder / "answers.pem")),
            timeout=20,
        ) as client,
    ):
        assert reaches(plain)
        led = httpx.get(f"{plain}/docs?a=1")
        assert (led.status_code, led.headers["location"]) == (308, "https://127.0.0.1/docs?a=1")
        assert client.get("/metrics").status_code == 401
        for number in range(5):  # it says who calls, whatever the client claims
            wrong = {**FORM, "password": "wrong horse"}
            told = {"x-forwarded-for": f"203.0.113.{number}"}
            assert client.post("/login", data=wrong, headers=told).status_code == 401
        assert (
            client.post("/login", data=FORM, headers={"x-forwarded-for": "198.51.100.1"}).status_code == 429
        )
        key = AccessStore(tmp_path).keys.create("program", grant("admin"))
        client.headers["authorization"] = f"Bearer {key}"
        page = client.get("/", headers={"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"})
        assert page.status_code == 200
        assert "evil.example" not in page.text
        asked = {"model": "base", "stream": True, "messages": [{"role": "user", "content": "The gold card?"}]}
        with client.stream("POST", "/v1/chat/completions", json=asked) as answer:
            assert "[DONE]" in list(filter(None, answer.iter_lines()))[-1]


def test_the_dashboard_asks_for_what_a_server_measures(tmp_path: Path) -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\bdomainqa_\w+", target["expr"])
    }
    bank = FakeWorkspace()
    bank.put("bank", "fees.txt", "The gold card costs 200 a year.")
    bank.metrics.watch_generator(FakeGenerator())
    bank.metrics.searched(2, cached=1)
    with client_of(bank, Settings(home=tmp_path)) as site:
        site.post("/v1/generate", json={"input": "What does the gold card cost?"})
        measured = set(re.findall(r"^(domainqa_\w+)", site.get("/metrics").text, re.MULTILINE))
    assert len(asked) >= 8
    assert asked <= measured
    labels = {"adapter", "cached", "kind", "refused", "stage", "job", "instance", "le"}
    legends = {label for panel in board["panels"] for t in panel["targets"]
               for label in re.findall(r"{{(\w+)}}", t["legendFormat"])}  # fmt: skip
    assert legends <= labels
