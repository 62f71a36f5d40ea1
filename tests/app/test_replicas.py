"""A server is alive as long as its process, however that ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.replicas import Replica, is_alive
from knowledge_base.errors import StorageError


def test_a_server_is_alive_until_it_is_closed(tmp_path: Path) -> None:
    copy = Replica(tmp_path)
    assert is_alive(tmp_path, copy.id)
    assert is_alive(tmp_path, copy.id), "asking does not end it"
    copy.close()
    assert not is_alive(tmp_path, copy.id)
    assert not list((tmp_path / "replicas").iterdir())


def test_or_until_its_process_is_killed(tmp_path: Path) -> None:
    told = "from app.replicas import Replica; from pathlib import Path; import sys, time\n"
    told += "copy = Replica(Path(sys.argv[1])); print(copy.id, flush=True); time.sleep(60)"
    command = [sys.executable, "-c", told, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        copy_id = process.stdout.readline().strip()
        assert is_alive(tmp_path, copy_id)
        process.kill()
        process.wait()
    assert not is_alive(tmp_path, copy_id)


def test_one_that_never_was_is_not_alive(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "0" * 32)


def test_a_home_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "replicas").write_text("a file", encoding="utf-8")
    with pytest.raises(StorageError):
        Replica(tmp_path)
