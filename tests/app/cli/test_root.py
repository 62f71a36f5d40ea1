"""The `domainqa` command itself: common options, help, errors, and how soon help is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.cli.conftest import Run
from tests.fake_workspace import FakeWorkspace

ROOT = Path(__file__).parent.parent.parent.parent
COMMANDS = (
    *("serve", "ask", "ingest", "search", "collections", "documents", "models", "doctor"),
    *("pairs", "retrain", "train", "evaluate", "adapters"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    domainqa {command}" in result.stdout


def test_help_documents_the_exit_codes(run: Run) -> None:
    shown = run("--help").stdout
    assert all(f"\n    {code} " in shown for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 130))


@pytest.mark.parametrize(
    "words",
    [
        ("--home", "{home}", "--collection", "staff", "documents", "list"),
        ("documents", "--home", "{home}", "--collection", "staff", "list"),
        ("documents", "list", "--home", "{home}", "--collection", "staff"),
        ("--home", "/elsewhere", "-c", "other", "documents", "list", "--home", "{home}", "-c", "staff"),
    ],
)
def test_home_and_collection_may_stand_before_or_after(
    run: Run, workspace: FakeWorkspace, tmp_path: Path, words: tuple[str, ...]
) -> None:
    workspace.put("staff", "leave.txt", "Annual leave is 12 days.")
    result = run(*(word.format(home=tmp_path / "named") for word in words))
    assert result.exit_code == 0
    assert workspace.settings is not None
    assert (workspace.settings.home, workspace.settings.collection) == (tmp_path / "named", "staff")


def test_settings_that_do_not_fit_are_reported_together(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINQA_READ_K", "many")
    monkeypatch.setenv("DOMAINQA_REED_K", "3")
    result = run("collections")
    assert result.exit_code == 3
    assert "DOMAINQA_READ_K" in result.stderr
    assert "DOMAINQA_REED_K: there is no such setting" in result.stderr


def test_an_unknown_command_is_usage(run: Run) -> None:
    result = run("aks", "question")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_what_is_not_expected_keeps_its_traceback(run: Run, workspace: FakeWorkspace) -> None:
    workspace.indexes = None  # type: ignore[assignment]
    result = run("collections")
    assert result.exit_code == 1
    assert isinstance(result.exception, TypeError)


def test_help_is_there_without_loading_models_or_the_page() -> None:
    code = """
import sys
from app.cli import main
try:
    main(["--help"])
except SystemExit as end:
    assert not end.code
heavy = {"torch", "transformers", "gradio", "numpy", "pydantic", "faiss"} & sys.modules.keys()
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Commands:" in ended.stdout
