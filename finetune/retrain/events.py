"""What a retraining told, line by line: where it is now, and its losses so far."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from finetune.retrain.values import Status
from finetune.training.values import Point
from retrieval.storage import translate_errors

FILE_NAME = "events.jsonl"

_SECONDS_BETWEEN = 0.3
# More than a line has.
_TAIL_BYTES = 65_536
_STATUS = TypeAdapter(Status)
_FIELDS = [field.name for field in fields(Status)]


class EventLog:
    """Appends to a file what is told: beginning and end of a step, measurements, else a few a second."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = folder / FILE_NAME
        self._clock = clock
        self._step = ""
        self._next = 0.0

    def __call__(self, status: Status) -> None:
        """Write it down if it is due; StorageError if there is no room."""
        now = self._clock()
        is_turn = status.step != self._step or status.done == status.total or status.dev_loss is not None
        if now < self._next and not is_turn:
            return
        self._step, self._next = status.step, now + _SECONDS_BETWEEN
        told = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **asdict(status)}
        # The line break comes first, so that nothing is glued to a line that a kill cut short.
        with translate_errors(self._file), self._file.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(told, ensure_ascii=False))


def last_status(folder: Path) -> Status | None:
    """What was told last, None if nothing was."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().decode("utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return None
    return next((status for line in reversed(lines) if (status := _parsed(line)) is not None), None)


def losses(folder: Path) -> list[Point]:
    """The losses that were told, by step; of a step that was done again after a kill the later ones."""
    points = {
        status.done: Point(status.done, status.loss, status.dev_loss)
        for status in _statuses(folder)
        if status.step == "train" and status.loss is not None
    }
    return [points[step] for step in sorted(points)]


def _statuses(folder: Path) -> Iterator[Status]:
    try:
        with (folder / FILE_NAME).open(encoding="utf-8", errors="replace") as file:
            yield from (status for line in file if (status := _parsed(line)) is not None)
    except FileNotFoundError:
        return


def _parsed(line: str) -> Status | None:
    try:
        told = json.loads(line)
        return _STATUS.validate_python({name: told[name] for name in _FIELDS if name in told})
    except (ValueError, TypeError):  # no JSON, no object, or none of ours
        return None
