"""An ingest of 500 mixed files that is interrupted twice, by Ctrl-C and by a kill, and continued.

usage: python benchmarks/interrupted_ingest.py [--files N] [--json FILE]

The files are copies of the sample bank, scans and old Office among them. Each run of `domainqa ingest` has a
terminal of its own; its last progress bar is shown. Nothing is done twice if a run stores no file that an
earlier one stored, and OCR reads no page again: "read again" counts files that a run stored although the
collection had them.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing

from benchmarks.measuring import SAMPLES, Row, save, show

_BAR = re.compile(r"[^\r\n]*\d+/\d+[^\r\n]*")
_CONTROL = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")  # colours and movements of the cursor
_STOPS = ((0.3, signal.SIGINT), (0.65, signal.SIGKILL), (2.0, None))  # stored share at which a run is stopped
_WAIT = 0.2  # seconds between two looks at the store


def write_files(folder: Path, count: int) -> None:
    """Copies of the sample bank's documents, as many as are wanted."""
    documents = sorted(file for file in (SAMPLES / "bank").rglob("*") if file.is_file())
    for number in range(count):
        source = documents[number % len(documents)]
        target = folder / f"copy {number // len(documents)}" / source.relative_to(SAMPLES / "bank")
        target.parent.mkdir(exist_ok=True, parents=True)
        shutil.copyfile(source, target)


def stored(home: Path) -> Mapping[str, int]:
    """The documents that the collection holds, with the numbers of their rows; a new row is a new writing."""
    file = home / "collections" / "bank" / "collection.sqlite"
    if not file.exists():
        return {}
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT path, rowid FROM documents"))


def run(command: list[str], home: Path, until: float, stop: signal.Signals | None) -> tuple[str, int, float]:
    """One run, stopped once so many documents are stored: its last bar, exit status and seconds."""
    began = time.monotonic()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, start_new_session=True)  # noqa: S603
    os.close(theirs)
    os.set_blocking(ours, False)
    seen = ""
    while process.poll() is None:
        time.sleep(_WAIT)
        seen = (seen + _read(ours))[-20_000:]
        if stop is not None and len(stored(home)) >= until:
            os.killpg(process.pid, stop)
            process.wait()
    bars = _BAR.findall(_CONTROL.sub("", seen + _read(ours)))
    os.close(ours)
    return bars[-1].strip() if bars else "", process.returncode, time.monotonic() - began


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 1_000_000).decode(errors="replace")
    except OSError:  # nothing there, or closed
        return ""


def main() -> None:
    """Make the files, run three times, and print what each run found and did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        home, folder = Path(place, "home"), Path(place, "files")
        write_files(folder, arguments.files)
        command = [sys.executable, "-m", "app.cli", "--home", str(home), "ingest", str(folder)]
        for share, stop in _STOPS:
            before = stored(home)
            bar, status, seconds = run(command, home, share * arguments.files, stop)
            after = stored(home)
            again = sum(after.get(path) != row for path, row in before.items())
            ended = stop.name if stop else f"its end, status {status}"
            rows.append({
                "run until": ended, "stored before": len(before), "after": len(after),
                "read again": again, "pages by OCR": _pictures(home), "seconds": seconds, "last bar": bar,
            })  # fmt: skip
    show(f"{arguments.files} files, interrupted and continued", rows)
    save(arguments.json, "interrupted_ingest", {"runs": rows})


def _pictures(home: Path) -> int:
    """How many pages OCR has read so far."""
    if not (home / "ocr.sqlite").exists():
        return 0
    with closing(sqlite3.connect(home / "ocr.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM pictures").fetchone()[0])


if __name__ == "__main__":
    main()
