"""The command line over a workspace in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.cli.state import State
from app.settings import Settings
from tests.fake_workspace import FakeWorkspace

Result = Any
Run = Callable[..., Result]


@pytest.fixture
def workspace() -> FakeWorkspace:
    """A bank in two documents."""
    made = FakeWorkspace()
    made.put(
        "bank", "fees.txt", "The platinum card costs 680 a year.\nThe gold card costs 200 a year.", "Fees"
    )
    made.put("bank", "zh/费用.md", "白金卡年费为 680 元。", "费用")
    return made


@pytest.fixture
def run(workspace: FakeWorkspace, tmp_path: Path) -> Run:
    """Runs `domainqa` with the given words; the workspace remembers the settings it was opened with."""

    def invoke(*words: str, stdin: str | None = None) -> Result:
        def opened(settings: Settings) -> FakeWorkspace:
            workspace.settings = settings
            return workspace

        state = State(home=tmp_path / "home", open=opened)  # type: ignore[arg-type]
        return CliRunner().invoke(cli, words, obj=state, input=stdin)

    return invoke


@pytest.fixture
def batch(tmp_path: Path) -> Callable[..., str]:
    """Writes a file of questions; text lines are taken as they are."""

    def write(*lines: dict[str, object] | str) -> str:
        file = tmp_path / "questions.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        file.write_text("\n".join(texts), encoding="utf-8")
        return str(file)

    return write


def lines_of(result: Result) -> list[dict[str, Any]]:
    """Standard output as one JSON object a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]
