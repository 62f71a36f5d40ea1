"""The script that starts a local Elasticsearch: what it says where something is missing."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import local_elasticsearch
from scripts.local_elasticsearch import (
    Server,
    check_digest,
    configure,
    find_java,
    hashed,
    obtain,
    write_secret,
)
from tests.test_architecture import ROOT


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "cache", tmp_path / "state", 9, "512m")


def test_the_shell_script_says_that_it_does_not_run(tmp_path: Path) -> None:
    environment = {**os.environ, "ELASTICSEARCH_STATE": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(
        [ROOT / "scripts" / "elasticsearch.sh", "status"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Start it: scripts/elasticsearch.sh start" in done.stderr


def test_without_maven_it_names_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit, match="apt-get install maven"):
        obtain(server)
    assert not server.cache.exists()


def test_without_a_new_java_it_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_elasticsearch, "java_version", lambda home: 17)
    with pytest.raises(SystemExit, match=r"Java 21 or newer .* ES_JAVA_HOME"):
        find_java()


def test_a_java_that_the_environment_names_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_elasticsearch, "java_version", lambda home: 21 if "mine" in str(home) else 99)
    monkeypatch.setenv("ES_JAVA_HOME", "/mine")
    assert find_java() == Path("/mine")


def test_another_download_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"x")
    with pytest.raises(SystemExit, match="is not used"):
        check_digest(tmp_path / "x.zip")


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    write_secret(tmp_path / "key", "secret")
    write_secret(tmp_path / "key", "another")
    assert (tmp_path / "key").read_text() == "another"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert "secret" not in hashed("secret")
    assert hashed("secret") != hashed("secret")


def test_it_listens_on_loopback_with_security_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    (server.program / "config").mkdir(parents=True)
    monkeypatch.setattr(local_elasticsearch, "hand_over", lambda server: None)
    configure(server)
    written = (server.state / "config" / "elasticsearch.yml").read_text()
    assert "network.host: 127.0.0.1\n" in written
    assert "xpack.security.enabled: true\n" in written
    assert server.password_file.read_text() not in (server.state / "config" / "users").read_text()
