"""A server's announcement: who may use it, and what becomes of one that is stale."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.announcement import FOLDER, Announcement, Announcer, Usual, find_server

USUAL = Usual("bank", "en", 2000)
ANNOUNCED_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from app.announcement import Announcer, Usual
Announcer(Path(sys.argv[1])).announce("127.0.0.1", 1, Usual("bank", "en", 2000))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def announcer(tmp_path: Path) -> Iterator[Announcer]:
    """A server that has announced itself."""
    made = Announcer(tmp_path)
    made.announce("127.0.0.1", 4711, USUAL)
    yield made
    made.withdraw()


def announcement_in(home: Path) -> Path:
    (file,) = (home / FOLDER).iterdir()
    return file


def rewrite(home: Path, **news: object) -> None:
    """Change what an announcement says, in place: its lock stays."""
    file = announcement_in(home)
    file.write_text(json.dumps({**json.loads(file.read_text()), **news}))


def test_commands_of_the_owner_find_a_running_server(announcer: Announcer, tmp_path: Path) -> None:
    found = find_server(tmp_path)
    assert isinstance(found, Announcement)
    assert (found.host, found.port, found.process) == ("127.0.0.1", 4711, os.getpid())
    assert (found.token, found.usual) == (announcer.token, USUAL)


def test_only_the_owner_can_read_the_token_and_it_is_shown_nowhere(
    announcer: Announcer, tmp_path: Path
) -> None:
    file = announcement_in(tmp_path)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert announcer.token in file.read_text()
    assert announcer.token not in repr(find_server(tmp_path))
    assert len(announcer.token) >= 43
    assert Announcer(tmp_path).token != announcer.token


def test_it_goes_with_the_server(announcer: Announcer, tmp_path: Path) -> None:
    announcer.withdraw()
    assert find_server(tmp_path) is None
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_home_without_any_server_is_nothing_to_tell(tmp_path: Path) -> None:
    assert find_server(tmp_path) is None
    assert find_server(tmp_path / "nowhere") is None


def test_that_of_a_killed_process_is_reported_once_and_removed(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", ANNOUNCED_AND_KILLED, str(tmp_path)], check=False)
    assert ended.returncode < 0
    reason = find_server(tmp_path)
    assert isinstance(reason, str)
    assert "ended without notice (process " in reason
    assert find_server(tmp_path) is None


def test_the_next_server_removes_what_killed_ones_have_left(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", ANNOUNCED_AND_KILLED, str(tmp_path)], check=False)
    announcer = Announcer(tmp_path)
    announcer.announce("127.0.0.1", 4711, USUAL)
    assert announcement_in(tmp_path).read_text().count(announcer.token) == 1
    announcer.withdraw()


def test_two_servers_of_a_home_are_independent(announcer: Announcer, tmp_path: Path) -> None:
    other = Announcer(tmp_path)
    other.announce("127.0.0.1", 4712, USUAL)
    announcer.withdraw()
    found = find_server(tmp_path)
    assert isinstance(found, Announcement)
    assert found.port == 4712
    other.withdraw()


@pytest.mark.usefixtures("announcer")
def test_a_copy_of_the_home_has_no_server(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / FOLDER, copy / FOLDER)
    assert "ended without notice" in str(find_server(copy))
    assert isinstance(find_server(tmp_path), Announcement)


@pytest.mark.usefixtures("announcer")
def test_a_copy_on_another_machine_is_reported_and_left_alone(tmp_path: Path) -> None:
    rewrite(tmp_path, machine="that of the server")
    for _ in range(2):
        assert "another machine" in str(find_server(tmp_path))
    assert announcement_in(tmp_path).exists()


@pytest.mark.usefixtures("announcer")
def test_another_version_is_reported(tmp_path: Path) -> None:
    rewrite(tmp_path, version="0.0.1", settings=None)
    assert "runs version 0.0.1" in str(find_server(tmp_path))


@pytest.mark.usefixtures("announcer")
def test_other_settings_are_reported_but_not_those_of_the_server_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINQA_PORT", "7860")
    assert isinstance(find_server(tmp_path), Announcement)
    monkeypatch.setenv("DOMAINQA_READ_K", "3")
    assert "other settings" in str(find_server(tmp_path))
    monkeypatch.delenv("DOMAINQA_READ_K")
    (tmp_path / "settings.toml").write_text("read_k = 3")
    assert "other settings" in str(find_server(tmp_path))


@pytest.mark.usefixtures("announcer")
def test_that_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert find_server(tmp_path) == "it belongs to another user"


@pytest.mark.usefixtures("announcer")
def test_one_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    announcement_in(tmp_path).chmod(0o644)
    assert "other users can read" in str(find_server(tmp_path))


@pytest.mark.usefixtures("announcer")
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    real = announcement_in(tmp_path).rename(tmp_path / "elsewhere.json")
    (tmp_path / FOLDER / "link.json").symlink_to(real)
    assert find_server(tmp_path) == "it belongs to another user"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_damaged_one_is_of_another_version_or_stale(
    announcer: Announcer, tmp_path: Path, text: str
) -> None:
    announcement_in(tmp_path).write_text(text)
    assert "runs version None" in str(find_server(tmp_path))
    (tmp_path / FOLDER / "left.json").touch(mode=0o600)
    announcer.withdraw()
    assert "ended without notice" in str(find_server(tmp_path))
