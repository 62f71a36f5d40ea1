"""Formats that only LibreOffice reads: it writes them anew, within bounds of time, where it is installed."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from knowledge_base.errors import LoadError, UnreadFormatError
from knowledge_base.loaders.word import load_word
from knowledge_base.values import LoadedFile

_MOST_SECONDS = 90
_PROGRAMS = ("soffice", "libreoffice")


def load_word_perfect(data: bytes) -> LoadedFile:
    """Read a document of WordPerfect; see `load_with_libreoffice`."""
    if not data.startswith(b"\xffWPC"):
        raise LoadError("The file is not a WordPerfect document.", "Save it as .docx in its own program.")
    return load_with_libreoffice(data, "wpd", load_word, "docx")


def load_with_libreoffice(
    data: bytes, suffix: str, then: Callable[[bytes], LoadedFile], new_suffix: str
) -> LoadedFile:
    """Have LibreOffice write a file as `new_suffix`, which `then` reads.

    Raises:
        UnreadFormatError: LibreOffice is not installed.
        LoadError: it does not finish in time, or cannot read the file.
    """
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        raise UnreadFormatError(
            f"This kind of .{suffix} file is read with LibreOffice, which is not installed.",
            f"Install LibreOffice (on Debian: apt install libreoffice), or save the file as .{new_suffix}.",
        )
    with tempfile.TemporaryDirectory(prefix="domainqa-") as folder:
        source = Path(folder, f"document.{suffix}")
        source.write_bytes(data)
        _run([
            program, "--headless", "--norestore", "--nolockcheck",
            f"-env:UserInstallation={Path(folder, 'profile').as_uri()}",
            "--convert-to", new_suffix, "--outdir", folder, str(source),
        ], new_suffix)  # fmt: skip
        written = source.with_suffix(f".{new_suffix}")
        if not written.exists():
            raise LoadError(
                "LibreOffice cannot read the file.", f"Save it as .{new_suffix} in its own program."
            )
        return then(written.read_bytes())


def _run(command: list[str], new_suffix: str) -> None:
    """Run a program, and end it with all it has started when its time is over."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(_MOST_SECONDS)
    except subprocess.TimeoutExpired:
        raise LoadError(
            f"LibreOffice did not finish within {_MOST_SECONDS} seconds.",
            f"Open the file in LibreOffice and save it as .{new_suffix}.",
        ) from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
