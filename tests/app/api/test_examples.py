"""The examples of docs/api.md: they stand there as they are in docs/examples, and they work."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.api.conftest import COLLECTION
from tests.fake_workspace import FakeWorkspace

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = DOCS / "examples"
ENGLISH = ("What does the platinum card cost?", "The platinum card costs 680 yuan a year.", "fees.txt")
CHINESE = ("白金卡年费", "白金卡年费为680元。", "费用.txt")
Run = Callable[..., str]

both_languages = pytest.mark.parametrize(("question", "answer", "document"), [ENGLISH, CHINESE])


@pytest.fixture
def run(address: str) -> Run:
    """Runs a program that knows the server's address and no key; returns what it printed."""

    def started(program: str, *words: str) -> str:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed here")
        environment = {**os.environ, "DOMAINQA_URL": address.rstrip("/"), "LC_ALL": "C.UTF-8"}
        environment.pop("DOMAINQA_KEY", None)
        done = subprocess.run(
            [program, *words],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return started


@pytest.mark.parametrize("example", sorted(EXAMPLES.iterdir()), ids=lambda file: file.name)
def test_each_example_is_in_the_text(example: Path) -> None:
    quoted = f"```{_LANGUAGES[example.suffix]}\n{example.read_text(encoding='utf-8')}```"
    assert quoted in (DOCS / "api.md").read_text(encoding="utf-8")


_LANGUAGES = {".sh": "sh", ".py": "python", ".mjs": "js", ".java": "java"}


def test_a_shell_uploads_and_asks(run: Run, file: Path, workspace: FakeWorkspace) -> None:
    told = json.loads(run("sh", str(EXAMPLES / "ask.sh"), str(file), "When do branches open?"))
    assert (told["text"], told["citations"][0]["document"]) == (
        "Branches open at nine.",
        "uploads/hours.txt",
    )
    assert "uploads/hours.txt" in [entry.path for entry in workspace.documents(COLLECTION)]


@both_languages
def test_python_streams_and_shows_sources(run: Run, question: str, answer: str, document: str) -> None:
    printed = run(sys.executable, str(EXAMPLES / "ask.py"), question)
    assert printed == f"{answer}\n[1] {document}: {answer}\n"


@both_languages
def test_javascript_asks(run: Run, question: str, answer: str, document: str) -> None:
    printed = run("node", str(EXAMPLES / "ask.mjs"), question)
    assert printed == f"{answer}\n[1] {document}: {answer}\n"


def test_java_is_compiled_for_release_11_and_asks(run: Run, tmp_path: Path) -> None:
    run("javac", "--release", "11", "-d", str(tmp_path), str(EXAMPLES / "Ask.java"))
    for question, answer, document in (ENGLISH, CHINESE):
        told = json.loads(run("java", "-cp", str(tmp_path), "Ask", question))
        assert (told["text"], told["citations"][0]["document"]) == (answer, document)
