"""Uploads lie in the home while they come in, and nothing of them stays behind."""

import os
import tempfile
from pathlib import Path

import pytest

from app.spool import Spool, spooling
from knowledge_base.errors import BusyError


def test_temporary_files_lie_in_a_private_folder_of_the_home_that_goes(tmp_path: Path) -> None:
    before = tempfile.gettempdir()
    with spooling(tmp_path) as folder, tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).is_relative_to(folder)
        assert folder.is_relative_to(tmp_path)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
    assert not folder.exists()
    assert tempfile.gettempdir() == before


def test_what_a_killed_server_left_goes_and_what_another_uses_stays(tmp_path: Path) -> None:
    left = tmp_path / "spool" / "of-a-killed-server"
    left.mkdir(parents=True)
    (left / "a.txt").write_text("text", encoding="utf-8")
    with spooling(tmp_path) as first, spooling(tmp_path) as second:
        assert sorted((tmp_path / "spool").iterdir()) == sorted([first, second])


def test_a_home_that_cannot_be_written_does_not_stop_the_server(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file", encoding="utf-8")
    with spooling(home) as folder:
        assert folder.is_dir()
    assert not folder.exists()


def test_room_is_counted_with_what_lies_there(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 2)
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "a").write_bytes(b"x" * 2**20)
    spool.reserve(2**20)
    with pytest.raises(BusyError, match="no room"):
        spool.reserve(1)
    spool.release(2**20)
    spool.reserve(1)
