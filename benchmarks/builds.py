"""Builds that are compared: worktrees with environments of their own, and whole processes of each.

A process is charged with the memory of the script that starts it until it begins to run, so no peak is below
some 70 megabytes.
"""

import os
import signal
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measuring import Figure, Row

ROOT = Path(__file__).parents[1]
_PATIENCE = 300.0
_POLL_SECONDS = 0.05
_UNREADABLE = 5  # the exit code of an ingest that could not read every file; builds differ in what they read


@dataclass(frozen=True, slots=True)
class Build:
    """A worktree with its environment, the home that it works on, and its settings beside that."""

    folder: Path
    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def cli(self, *words: str) -> list[str]:
        """Its command line."""
        return self.python("-m", "app.cli", *words)

    def python(self, *words: str) -> list[str]:
        """Its Python, which knows nothing of other builds."""
        return [str(self.folder / ".venv" / "bin" / "python"), *words]

    def start(self, command: Sequence[str], own_group: bool = False) -> subprocess.Popen[str]:
        """A process of it, in the group of this one or in one of its own."""
        own = {"PYTHONPATH": str(self.folder), "DOMAINQA_HOME": str(self.home), **self.settings}
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=own_group,
        )

    def ingest(self, folder: Path) -> None:
        """Bring the collection up to date with a folder, as far as this build reads its files."""
        run(self, self.cli("ingest", str(folder)), ends=(0, _UNREADABLE))


@dataclass(frozen=True, slots=True)
class Run:
    """One process from its start to its end: seconds, seconds of processors, and megabytes at its peak."""

    wall: float
    cpu: float
    megabytes: float
    output: str


@dataclass(frozen=True, slots=True)
class Contender:
    """What is compared, and how it is run once."""

    name: str
    run: Callable[[], Run]


def run(build: Build, command: Sequence[str], ends: Sequence[int] = (0,)) -> Run:
    """Run a command to its end; ends the program if its exit code is not one of `ends`."""
    began = time.monotonic()
    process = build.start(command)
    assert process.stdout is not None
    with process.stdout as out:
        output = out.read()
    code, ended = _ended(process, began, output)
    if code not in ends:
        raise SystemExit(f"{' '.join(command)} ended with {code}.")
    return ended


@contextmanager
def serving(build: Build, *words: str) -> Iterator[tuple[str, int]]:
    """A server of a build that can answer questions: its address, without the last slash, and its process."""
    process = build.start(build.cli("serve", "--port", "0", *words))
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip().rpartition(" ")[2].rstrip("/")
        while not answers(f"{address}/readyz"):
            if process.poll() is not None:
                raise SystemExit("The server has not started.")
            time.sleep(_POLL_SECONDS)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def until_answered(build: Build, command: Sequence[str], address: str, body: bytes) -> Run:
    """Start a server, post `body` to its `address` until that is answered, and stop it; `wall` ends there."""
    began = time.monotonic()
    process = build.start(command, own_group=True)  # make has children
    while not answers(address, body):
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
        time.sleep(_POLL_SECONDS)
    wall = time.monotonic() - began
    os.killpg(process.pid, signal.SIGTERM)
    _, ended = _ended(process, began, "")
    return Run(wall, ended.cpu, ended.megabytes, "")


def answers(address: str, body: bytes | None = None) -> bool:
    """Whether a server answers a request with success."""
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            response.read()
    except (urllib.error.URLError, OSError):
        return False
    return True


def in_turns(contenders: Sequence[Contender], runs: int) -> list[Row]:
    """Run them in turns; the first is what the others are compared with."""
    done: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for _ in range(runs):
        for contender in contenders:
            done[contender.name].append(contender.run())
    first = done[contenders[0].name]
    for name, found in done.items():
        if other := next((run.output for run in found if run.output != first[0].output), None):
            print(f"{name} does not say\n{first[0].output}but\n{other}")
    return [_row(name, found, first) for name, found in done.items()]


def _ended(process: subprocess.Popen[str], began: float, output: str) -> tuple[int, Run]:
    """The exit code of a process that ends by itself, and what it took, its children included."""
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, output)


def _row(name: str, runs: Sequence[Run], first: Sequence[Run]) -> Row:
    row: dict[str, Figure] = {"process": name}
    for what, title in (("wall", "wall s"), ("cpu", "cpu s"), ("megabytes", "peak MB")):
        values = [getattr(run, what) for run in runs]
        base = statistics.median(getattr(run, what) for run in first)
        row[title] = round(statistics.median(values), 2)
        row[f"{title}, least"] = round(min(values), 2)
        row[f"{title}, ratio"] = statistics.median(values) / base
    return row
