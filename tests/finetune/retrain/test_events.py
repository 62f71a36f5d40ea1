"""What a retraining told: enough of it, whole lines only, and the curve by step."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.retrain.runs import EVENTS, EventLog, last_status, reported_losses
from finetune.retrain.values import Status
from finetune.training.values import Point
from knowledge_base.errors import StorageError


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(folder: Path) -> list[str]:
    return [line for line in (folder / EVENTS).read_text(encoding="utf-8").split("\n") if line]


def test_without_events_there_is_no_status(tmp_path: Path) -> None:
    assert last_status(tmp_path) is None
    assert reported_losses(tmp_path) == []


def test_a_few_a_second_are_written_and_every_turn(tmp_path: Path) -> None:
    clock = Clock()
    log = EventLog(tmp_path, clock)
    for step in range(1, 101):
        clock.now += 0.1
        log(Status("train", step, 100, loss=1.0, dev_loss=2.0 if step == 50 else None))
    told = [point.step for point in reported_losses(tmp_path)]
    assert {1, 50, 100} <= set(told)
    assert 25 <= len(told) <= 40
    log(Status("calibrate", 0, 7))
    assert last_status(tmp_path) == Status("calibrate", 0, 7)


def test_of_a_step_done_again_the_later_loss_counts(tmp_path: Path) -> None:
    for loss in (3.0, 2.0):
        log = EventLog(tmp_path)
        log(Status("train", 1, 1, loss=loss, dev_loss=0.5))
    assert reported_losses(tmp_path) == [Point(1, 2.0, 0.5)]


@pytest.mark.parametrize("tail", ['\n{"step": "train", "do', "\n[1]", "\nnull", '\n{"step": "dance"}', "\n"])
def test_a_line_that_was_cut_short_is_passed_over(tmp_path: Path, tail: str) -> None:
    status = Status("evaluate", 3, 9, "base")
    EventLog(tmp_path)(status)
    with (tmp_path / EVENTS).open("a", encoding="utf-8") as file:
        file.write(tail)
    assert last_status(tmp_path) == status
    EventLog(tmp_path)(replace(status, done=4))
    assert last_status(tmp_path) == replace(status, done=4)


def test_a_long_log_is_read_from_its_end(tmp_path: Path) -> None:
    for number in range(1500):
        EventLog(tmp_path)(Status("samples", number, 2000, "x" * 50))
    assert len(lines(tmp_path)) == 1500
    assert last_status(tmp_path) == Status("samples", 1499, 2000, "x" * 50)


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageError, match="full"):
        EventLog(tmp_path)(Status("check", 0, 1))
