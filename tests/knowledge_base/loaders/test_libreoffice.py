"""LibreOffice: missing, hanging, failing, and at work."""

import os
import time
from pathlib import Path

import pytest

from knowledge_base.errors import LoadError, UnreadFormatError
from knowledge_base.loaders import libreoffice
from knowledge_base.loaders.libreoffice import load_with_libreoffice, load_word_perfect
from knowledge_base.loaders.text import load_text


def program(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program named soffice before all others."""
    file = folder / "soffice"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_missing_program_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadFormatError, match=r"LibreOffice, which is not installed.*Install LibreOffice"):
        load_with_libreoffice(b"x", "wps", load_text, "txt")
    with pytest.raises(LoadError, match="not a WordPerfect"):
        load_word_perfect(b"x")


def test_what_it_writes_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, 'for last; do :; done; tr a-z A-Z < "$last" > "${last%.wps}.txt"', monkeypatch)
    assert load_with_libreoffice(b"old text", "wps", load_text, "txt").blocks[0].text == "OLD TEXT"


def test_a_program_that_hangs_is_ended_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program(tmp_path, f"sleep 300 & echo $! > {tmp_path}/child; wait", monkeypatch)
    monkeypatch.setattr(libreoffice, "_MOST_SECONDS", 0.5)
    with pytest.raises(LoadError, match="did not finish"):
        load_with_libreoffice(b"x", "wps", load_text, "txt")
    child = int((tmp_path / "child").read_text())
    for _ in range(400):  # the system takes a moment to end it
        if not Path(f"/proc/{child}/fd/0").exists():
            return
        time.sleep(0.01)
    pytest.fail("The program is still running.")


def test_a_program_that_fails_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program(tmp_path, "exit 1", monkeypatch)
    with pytest.raises(LoadError, match="cannot read the file"):
        load_with_libreoffice(b"x", "wps", load_text, "txt")
