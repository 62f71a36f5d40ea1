"""`domainqa ingest`."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli.ingest import asking
from app.cli.progress import Bars, IngestBar
from knowledge_base.errors import BusyError, RemovalError
from knowledge_base.ingest import Progress
from tests.app.cli.conftest import Run, lines_of
from tests.fake_workspace import FakeWorkspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents."""
    made = tmp_path / "docs"
    made.mkdir()
    (made / "a.txt").write_text("One line.\nAnother line.", encoding="utf-8")
    (made / "b.txt").write_text("存款利率", encoding="utf-8")
    return made


def test_a_folder_becomes_a_collection(run: Run, workspace: FakeWorkspace, folder: Path) -> None:
    result = run("ingest", str(folder), "--collection", "new")
    assert result.exit_code == 0
    rows = dict(line.rsplit(maxsplit=1) for line in result.stdout.splitlines()[1:9])
    assert rows == {
        "added": "2",
        "changed": "0",
        "removed": "0",
        "unchanged": "0",
        "failed": "0",
        "skipped": "0",
        "read in part": "0",
        "passages written": "3",
    }
    assert "0.5 s, 6 passages a second" in result.stdout
    assert [entry.path for entry in workspace.documents("new")] == ["a.txt", "b.txt"]


def test_a_second_run_says_that_nothing_has_changed(run: Run, folder: Path) -> None:
    run("ingest", str(folder), "-c", "new")
    result = run("ingest", str(folder), "-c", "new")
    assert (result.exit_code, result.stdout) == (0, "Nothing has changed: 2 documents in new.\n")


def test_json_is_the_report_alone(run: Run, folder: Path) -> None:
    (report,) = lines_of(run("ingest", str(folder), "-c", "new", "--json"))
    assert (report["collection"], report["added"], report["passages"]) == ("new", ["a.txt", "b.txt"], 3)


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_files_that_fail_are_named_with_what_to_do(run: Run, folder: Path, option: tuple[str, ...]) -> None:
    (folder / "c.txt").write_bytes(b"\xff\xfe\xff")
    result = run("ingest", str(folder), "-c", "new", *option)
    assert result.exit_code == 5
    if option:
        failed = [{"path": "c.txt", "cause": "It is damaged.", "remedy": "Replace it."}]
        assert lines_of(result)[0]["failed"] == failed
    else:
        assert "c.txt: It is damaged. Replace it." in result.stdout


def test_files_that_are_not_read_are_named_each_time(run: Run, folder: Path) -> None:
    (folder / "old.exe").write_text("MZ")
    (folder / "d.txt").write_text("Text.\n[picture]")
    for expected in ("skipped", "Nothing has changed: 3 documents"):
        result = run("ingest", str(folder), "-c", "new")
        assert result.exit_code == 0
        assert expected in result.stdout
        assert "old.exe: Files of the format .exe are not read." in result.stdout
    assert "d.txt: OCR found no text in the picture of page 1." not in result.stdout
    (report,) = lines_of(run("ingest", str(folder), "-c", "other", "--json"))
    assert [file["path"] for file in report["skipped"]] == ["old.exe"]
    assert [(note["path"], note["kind"], note["pages"]) for note in report["notes"]] == [
        ("d.txt", "pictures_without_text", [1])
    ]


def test_a_folder_of_which_nothing_is_read_is_no_success(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old.exe").write_text("MZ")
    result = run("ingest", str(tmp_path), "-c", "new")
    assert result.exit_code == 5
    assert "No file could be read" in result.stdout
    assert "Nothing has changed" not in result.stdout
    assert "old.exe: Files of the format .exe are not read." in result.stdout


def test_what_was_not_read_is_shown_in_the_language_of_the_settings(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "d.txt").write_text("Text.\n[picture]")
    monkeypatch.setenv("DOMAINQA_LANGUAGE", "zh")
    assert "d.txt: 文字识别（OCR）在以下图片页中没有找到文字：第 1 页。" in run("ingest", str(folder)).stdout
    assert "文字识别（OCR）" in run("documents", "show", "d.txt").stderr


def test_rebuild_reaches_the_workspace(run: Run, workspace: FakeWorkspace, folder: Path) -> None:
    assert run("ingest", str(folder), "--rebuild").exit_code == 0
    assert [entry.path for entry in workspace.documents("bank")] == ["a.txt", "b.txt"]


def test_most_documents_go_only_if_that_is_allowed(
    run: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied = tmp_path / "emptied"
    emptied.mkdir()
    result = run("ingest", str(emptied))
    assert (result.exit_code, result.stdout) == (12, "")
    assert "2 of the 2 documents are gone. Allow it: --allow-removal." in result.stderr
    assert run("serve", "--ingest", str(emptied)).exit_code == 12
    assert run("ingest", str(emptied), "--allow-removal").exit_code == 0

    def watch(watched: Path, on_change: Callable[[], None], _stop: threading.Event) -> None:
        for file in watched.iterdir():
            file.unlink()
        on_change()
        raise KeyboardInterrupt

    monkeypatch.setattr("knowledge_base.watch.watch", watch)
    watched = run("ingest", str(folder), "-c", "new", "--watch")
    assert watched.exit_code == 130
    assert "Allow it: --allow-removal." in watched.stderr


def test_whoever_sits_at_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("typer.confirm", lambda question, **_: asked.append(question))
    tried: list[bool] = []

    def bring(allowed: bool) -> int:
        tried.append(allowed)
        if not allowed:
            raise RemovalError("2 of the 2 documents are gone.", "Allow it.", ("a", "b"))
        return len(tried)

    assert asking(bring, allow_removal=False) == 2
    assert tried == [False, True]
    assert asked == ["2 of the 2 documents are gone. Remove them from the collection?"]


def test_a_folder_that_is_not_there_changes_nothing(
    run: Run, workspace: FakeWorkspace, tmp_path: Path
) -> None:
    result = run("ingest", str(tmp_path / "nowhere"))
    assert (result.exit_code, result.stdout) == (3, "")
    assert len(workspace.documents("bank")) == 2


def test_a_home_in_use_is_reported(run: Run, workspace: FakeWorkspace, folder: Path) -> None:
    workspace.failure = BusyError("Process 12 holds the home.", "Wait for it.")
    result = run("ingest", str(folder))
    assert result.exit_code == 7
    assert "Process 12 holds the home. Wait for it." in result.stderr


def test_watch_continues_until_it_is_stopped(
    run: Run, workspace: FakeWorkspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(watched: Path, on_change: Callable[[], None], stop: threading.Event) -> None:
        on_change()
        (watched / "c.txt").write_text("New.", encoding="utf-8")
        workspace.failure = BusyError("Process 12 holds the home.", "Wait for it.")
        on_change()
        workspace.failure = None
        on_change()
        raise KeyboardInterrupt

    monkeypatch.setattr("knowledge_base.watch.watch", watch)
    result = run("ingest", str(folder), "-c", "new", "--watch", "--json")
    assert result.exit_code == 130
    assert [report["added"] for report in lines_of(result)] == [["a.txt", "b.txt"], ["c.txt"]]
    assert "Process 12 holds the home. Wait for it. The next change tries again." in result.stderr
    assert workspace.closed


def test_a_log_shows_progress(capsys: pytest.CaptureFixture[str]) -> None:
    clock = SimpleNamespace(now=0.0)
    with IngestBar("Ingesting docs", lambda: clock.now) as bar:
        for seconds, done in ((20.0, 10), (21.0, 11), (40.0, 20)):
            clock.now = seconds
            bar(Progress(done, 40, 10 * done, "x.txt", 0))
        bar.waiting("Process 12 holds [the home].")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.partition(",")[0] for line in shown.err.splitlines()] == [
        "Ingesting docs: 10 of 40 documents",
        "Ingesting docs: 20 of 40 documents",
        "Process 12 holds [the home].",
    ]


def test_steps_are_named_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        bars.show("Checking [a]", 0, 2)
        bars.show("Checking [a]", 2, 2)
        bars.show("Unpacking", 0, 0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["Checking [a]: 0 of 2", "Unpacking …"]
