"""Whole processes of two builds in turns: wall time, processor time and peak memory, and their ratios.

usage: python benchmarks/startup.py --old DIR [--runs 5] [--elasticsearch] [--make] [--json FILE]

DIR is a worktree of the build to compare with, with an environment of its own in DIR/.venv. Each build takes
the sample bank into a fresh home of its own. Then the same question is asked by each: by the old build, by
this one, and by this one while `domainqa serve` runs on its home. With --elasticsearch both ask a cluster,
the one of DOMAINQA_ELASTICSEARCH_URL and _API_KEY. With --make, `make run` is called a second time in each
worktree, and asked over HTTP until it answers. Files are in the system's cache, models are unpacked: what is
measured is the start that users see each time.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import json
import os
import socket
import tempfile
from collections.abc import Mapping
from functools import partial

from benchmarks.builds import ROOT, Build, Contender, Run, in_turns, run, serving, until_answered
from benchmarks.measuring import SAMPLES, Row, save, show

QUESTION = "What is the annual fee of the platinum card this year?"
_CLUSTER = ("DOMAINQA_ELASTICSEARCH_URL", "DOMAINQA_ELASTICSEARCH_API_KEY")


def main() -> None:
    """Ingest, ask in turns, print, save."""
    arguments = _arguments()
    cluster = {name: os.environ.pop(name, "") for name in _CLUSTER}
    tables: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as folder:
        homes = Path(folder)
        tables["domainqa ask"] = _asked(arguments.old.resolve(), homes, arguments.runs)
        if arguments.elasticsearch:
            tables["domainqa ask, Elasticsearch"] = _asked_cluster(
                arguments.old.resolve(), homes, arguments.runs, cluster
            )
        if arguments.make:
            tables["make run"] = _made(arguments.old.resolve(), homes, arguments.runs)
    for name, rows in tables.items():
        show(f"{name}, {arguments.runs} processes each, in turns", rows)
    save(arguments.json, "startup", tables)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compares whole processes of two builds.")
    parser.add_argument("--old", type=Path, required=True, metavar="DIR", help="worktree of the other build")
    parser.add_argument("--runs", type=int, default=5, help="processes of each contender")
    parser.add_argument("--elasticsearch", action="store_true", help="ask a cluster, too")
    parser.add_argument("--make", action="store_true", help="call `make run` a second time, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser.parse_args()


def _asked(old: Path, homes: Path, runs: int) -> list[Row]:
    before, now = Build(old, homes / "old"), Build(ROOT, homes / "this")
    for build in (before, now):
        build.ingest(SAMPLES / "bank")
    with serving(now):
        run(now, now.cli("ask", QUESTION))
        return in_turns(
            [
                _ask("old build", before),
                _ask("this build", now, "--no-server"),
                _ask("this build, with a server", now),
            ],
            runs,
        )


def _asked_cluster(old: Path, homes: Path, runs: int, cluster: Mapping[str, str]) -> list[Row]:
    builds = [
        Build(folder, homes / f"{name}-es", {**cluster, "DOMAINQA_ELASTICSEARCH_PREFIX": f"domainqa-{name}-"})
        for name, folder in (("old", old), ("this", ROOT))
    ]
    try:
        for build in builds:
            build.ingest(SAMPLES / "bank")
        names = "old build", "this build"
        return in_turns([_ask(*both) for both in zip(names, builds, strict=True)], runs)
    finally:
        for build in builds:
            run(build, build.cli("collections", "delete", "bank", "--yes"))


def _ask(name: str, build: Build, *options: str) -> Contender:
    return Contender(name, partial(run, build, build.cli("ask", QUESTION, *options)))


def _made(old: Path, homes: Path, runs: int) -> list[Row]:
    """The second `make run` to its first answer; an uncounted run of each goes before."""
    contenders = [
        Contender(name, partial(_answered, Build(folder, homes / f"{name} make")))
        for name, folder in (("old build", old), ("this build", ROOT))
    ]
    for contender in contenders:
        contender.run()
    return in_turns(contenders, runs)


def _answered(build: Build) -> Run:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    body = json.dumps({"input": QUESTION}).encode()
    address = f"http://127.0.0.1:{port}/v1/generate"
    return until_answered(build, ["make", "run", f"PORT={port}"], address, body)


if __name__ == "__main__":
    main()
