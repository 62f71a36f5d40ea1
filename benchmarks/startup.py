"""Whole processes of two builds in turns: wall time, processor time and peak memory, and their ratios.

usage: python benchmarks/startup.py --old DIR [--runs 5] [--json FILE]

DIR is a worktree of the build to compare with, with an environment of its own in DIR/.venv. Each build takes
the sample bank into a fresh home of its own. Then the same question is asked by each: by the old build, by
this one, and by this one while `domainqa serve` runs on its home. Files are in the system's cache, models are
unpacked: what is measured is the start that users see each time. A process is charged with the memory of this
script until it begins to run, so that no peak is below some 70 megabytes.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[0] = str(ROOT)

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.measuring import SAMPLES, Figure, Row, save, show

QUESTION = "What is the annual fee of the platinum card this year?"
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Build:
    """A worktree with its environment, and the home that it works on."""

    folder: Path
    home: Path

    def command(self, *words: str) -> list[str]:
        """How it is called, by an environment that knows nothing of other builds."""
        python = self.folder / ".venv" / "bin" / "python"
        return [str(python), "-m", "app.cli", "--home", str(self.home), *words]

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A process of it."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        return subprocess.Popen(
            self.command(*words), cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True
        )


@dataclass(frozen=True, slots=True)
class Contender:
    """What is compared: a command of a build."""

    name: str
    build: Build
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One process from its start to its end: seconds, seconds of processors, and megabytes at its peak."""

    wall: float
    cpu: float
    megabytes: float
    output: str


def main() -> None:
    """Ingest, ask in turns, print, save."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        old = Build(arguments.old, Path(folder) / "old")
        alone, served = (Build(ROOT, Path(folder) / name) for name in ("alone", "served"))
        for build in (old, alone, served):
            run_of(build, "ingest", str(SAMPLES / "bank"))
        with serving(served):
            asked = [
                Contender("old build", old, ("ask", QUESTION)),
                Contender("this build", alone, ("ask", QUESTION)),
                Contender("this build, with a server", served, ("ask", QUESTION)),
            ]
            rows = compared(asked, arguments.runs)
    show(f"domainqa ask, {arguments.runs} processes each, in turns", rows)
    save(arguments.json, "startup", {"ask": rows})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compares whole processes of two builds.")
    parser.add_argument("--old", type=Path, required=True, metavar="DIR", help="worktree of the other build")
    parser.add_argument("--runs", type=int, default=5, help="processes of each contender")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


def run_of(build: Build, *words: str) -> Run:
    """Run a command to its end; ends the program if it fails."""
    began = time.monotonic()
    process = build.start(*words)
    assert process.stdout is not None
    with process.stdout as out:
        output = out.read()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(build.command(*words))} ended with {process.returncode}.")
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, output)


@contextmanager
def serving(build: Build) -> Iterator[None]:
    """A server of a build that has loaded its models and answered once."""
    process = build.start("serve", "--port", "0")
    try:
        assert process.stdout is not None
        if "ready" not in process.stdout.readline():
            raise SystemExit("The server has not started.")
        run_of(build, "ask", QUESTION)
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def compared(contenders: Sequence[Contender], runs: int) -> list[Row]:
    """Run them in turns; the first is what the others are compared with, and all must say the same."""
    done: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for _ in range(runs):
        for contender in contenders:
            done[contender.name].append(run_of(contender.build, *contender.words))
    first = done[contenders[0].name]
    for name, found in done.items():
        if other := next((run.output for run in found if run.output != first[0].output), None):
            print(f"{name} does not say\n{first[0].output}but\n{other}")
    return [_row(name, found, first) for name, found in done.items()]


def _row(name: str, runs: Sequence[Run], first: Sequence[Run]) -> Row:
    row: dict[str, Figure] = {"process": name}
    for what, title in (("wall", "wall s"), ("cpu", "cpu s"), ("megabytes", "peak MB")):
        values = [getattr(run, what) for run in runs]
        base = statistics.median(getattr(run, what) for run in first)
        row[title] = round(statistics.median(values), 2)
        row[f"{title}, least"] = round(min(values), 2)
        row[f"{title}, ratio"] = statistics.median(values) / base
    return row


if __name__ == "__main__":
    main()
