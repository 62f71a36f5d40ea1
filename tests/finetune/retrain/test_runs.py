"""Retrainings of a home: made, found again, failed with one message, started apart and stopped."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from finetune.files import ResultFolder
from finetune.retrain.lock import RunLock
from finetune.retrain.runs import EventLog, RunInfo, RunRequest, RunStore
from finetune.retrain.values import Outcome, Status
from finetune.training.values import Point
from knowledge_base.errors import BusyError, InputError, NotFoundError, StorageError

PATIENCE = 60.0


@pytest.fixture
def runs(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home", (sys.executable, "-m", "app.worker"))


@pytest.fixture
def request_(pairs: Path) -> RunRequest:
    return RunRequest("bank", "bank", (pairs,), settings={"epochs": 3, "rank": 8, "variant": "dora"})


def test_there_are_none_at_first(runs: RunStore) -> None:
    assert runs.list() == []
    with pytest.raises(NotFoundError, match="none"):
        runs.get("20261125-204200-bank")


def test_a_run_is_made_and_waits(runs: RunStore, request_: RunRequest) -> None:
    info = runs.create(request_)
    assert (info.state, info.name, info.collection, info.status, info.error) == (
        "waiting",
        "bank",
        "bank",
        None,
        "",
    )
    assert info.id.endswith("-bank")
    assert info.request == request_
    assert runs.get(info.id) == info
    assert runs.curve(info.id) == []


def test_the_newest_is_first_and_each_has_an_id_of_its_own(runs: RunStore, request_: RunRequest) -> None:
    made = [runs.create(request_).id for _ in range(3)]
    assert [info.id for info in runs.list()] == sorted(made, reverse=True)
    assert len(set(made)) == 3


@pytest.mark.parametrize("run_id", ["", ".", "..", "../adapters", "a/b", "nothing"])
def test_what_is_no_run_is_not_found(runs: RunStore, request_: RunRequest, run_id: str) -> None:
    made = runs.create(request_).id
    with pytest.raises(NotFoundError, match=made):
        runs.get(run_id)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "base"}, "cannot be the name"),
        ({"name": "a/b"}, "cannot be the name"),
        ({"settings": {"epoch": 1, "rank": 0}}, "epoch: there is no such option"),
        ({"files": (Path("/nowhere.jsonl"),)}, "no file or folder /nowhere.jsonl"),
    ],
)
def test_a_request_that_cannot_be_is_refused_at_once(
    runs: RunStore, changes: dict[str, object], told: str
) -> None:
    asked = {"collection": "bank", "name": "bank"} | changes
    with pytest.raises(InputError, match=told):
        runs.create(RunRequest(**asked))  # type: ignore[arg-type]
    assert runs.list() == []


def test_its_state_follows_its_files_and_its_lock(runs: RunStore, request_: RunRequest) -> None:
    info = runs.create(request_)
    with runs.working(info.id) as folder:
        assert runs.get(info.id).state == "running"
        EventLog(folder.path)(Status("train", 2, 9, loss=1.5))
    stopped = runs.get(info.id)
    assert (stopped.state, stopped.status) == ("stopped", Status("train", 2, 9, loss=1.5))
    assert runs.curve(info.id) == [Point(2, 1.5)]
    outcome = Outcome("bank", 1, False, ("It is not better.",), "report.html")
    ResultFolder(folder.path).store("outcome", outcome)
    (folder.path / "report.html").write_text("<p>", encoding="utf-8")
    done = runs.get(info.id)
    assert (done.state, done.outcome, done.report) == ("done", outcome, folder.path / "report.html")
    with pytest.raises(InputError, match="is done"):
        runs.start(info.id)


def test_the_whole_curve_is_there_once_training_is_through(runs: RunStore, request_: RunRequest) -> None:
    info = runs.create(request_)
    trained = {"trained": {"curve": [{"step": 1, "loss": 2.0, "dev_loss": None}, {"step": 2, "loss": 1.0}]}}
    (runs.folder / info.id / "trained.json").write_text(json.dumps(trained), encoding="utf-8")
    assert runs.curve(info.id) == [Point(1, 2.0), Point(2, 1.0)]


def test_a_failure_is_noted_and_forgotten_with_the_next_start(runs: RunStore, request_: RunRequest) -> None:
    info = runs.create(request_)
    with pytest.raises(StorageError), runs.working(info.id):
        raise StorageError("The disk is full.", "Make room.")
    failed = runs.get(info.id)
    assert (failed.state, failed.error) == ("failed", "The disk is full. Make room.")
    with runs.working(info.id):
        assert (runs.get(info.id).state, runs.get(info.id).error) == ("running", "")
    assert runs.get(info.id).state == "waiting"


def test_a_defect_of_ours_is_noted_too(runs: RunStore, request_: RunRequest) -> None:
    info = runs.create(request_)
    with pytest.raises(ZeroDivisionError), runs.working(info.id):
        raise ZeroDivisionError("by nothing")
    assert "by nothing" in runs.get(info.id).error
    assert "worker.log" in runs.get(info.id).error


def test_one_runs_at_a_time_and_is_named(runs: RunStore, request_: RunRequest) -> None:
    first, second = runs.create(request_), runs.create(request_)
    with runs.working(first.id):
        for work in (lambda: runs.start(second.id), lambda: runs.working(second.id).__enter__()):
            with pytest.raises(BusyError, match=first.id):
                work()
    assert runs.get(second.id).state == "waiting"


def test_the_same_request_finds_what_is_unfinished(runs: RunStore, request_: RunRequest, pairs: Path) -> None:
    assert runs.unfinished(request_) is None
    info = runs.create(request_)
    assert runs.unfinished(request_) == info
    assert runs.unfinished(RunRequest("bank", "bank", (pairs,), settings={"epochs": 2})) is None
    pairs.write_text(pairs.read_text(encoding="utf-8") + "\n{}\n", encoding="utf-8")
    assert runs.unfinished(request_) is None


@pytest.mark.parametrize(
    ("error", "goes_on"), [(StorageError("Full.", ""), True), (InputError("Empty.", ""), False)]
)
def test_what_failed_continues_unless_its_input_is_at_fault(
    runs: RunStore, request_: RunRequest, error: Exception, goes_on: bool
) -> None:
    info = runs.create(request_)
    with pytest.raises(type(error)), runs.working(info.id):
        raise error
    assert (runs.unfinished(request_) is not None) == goes_on


def test_a_run_that_is_done_is_not_gone_on_with(runs: RunStore, request_: RunRequest) -> None:
    info = runs.create(request_)
    ResultFolder(runs.folder / info.id).store("outcome", Outcome("bank", 1, True, (), ""))
    assert runs.unfinished(request_) is None


def test_a_folder_that_was_not_finished_is_no_run(runs: RunStore, request_: RunRequest) -> None:
    made = runs.create(request_)
    (runs.folder / "20261125-000000-half").mkdir()
    (runs.folder / "20261125-000001-broken").mkdir()
    (runs.folder / "20261125-000001-broken" / "run.json").write_text("{", encoding="utf-8")
    assert [info.id for info in runs.list()] == [made.id]


@pytest.fixture
def unusable(runs: RunStore, request_: RunRequest, tmp_path: Path) -> Iterator[RunInfo]:
    """A run in a home whose base model has no weights."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", encoding="utf-8")
    info = runs.create(request_)
    settings = f'generator = "{tmp_path / "model"}"\n'
    (tmp_path / "home" / "settings.toml").write_text(settings, encoding="utf-8")
    yield info
    runs.stop(info.id)


def waited_for(runs: RunStore, run_id: str, *states: str) -> RunInfo:
    deadline = time.monotonic() + PATIENCE
    while (info := runs.get(run_id)).state not in states:
        assert time.monotonic() < deadline, info
        time.sleep(0.05)
    return info


def test_a_run_is_started_in_a_process_of_its_own_and_says_how_it_failed(
    runs: RunStore, unusable: RunInfo
) -> None:
    runs.start(unusable.id)
    assert runs.get(unusable.id).state == "running"
    with pytest.raises(BusyError, match=unusable.id):
        runs.start(unusable.id)
    failed = waited_for(runs, unusable.id, "failed", "stopped", "waiting", "done")
    assert failed.state == "failed"
    assert "holds no weights" in failed.error


def test_a_run_is_stopped_and_can_be_started_again(runs: RunStore, unusable: RunInfo) -> None:
    for _ in range(2):
        runs.start(unusable.id)
        runs.stop(unusable.id)
        assert runs.get(unusable.id).state == "stopped"
    runs.stop(unusable.id)
    assert RunLock(runs.folder / ".lock").holder() is None
