"""The progress of a retraining, line by line: where it is now, and its losses so far."""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from finetune.files import json_lines
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
    """Appends statuses to a file: beginning and end of a step, measurements, else a few per second."""

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
        record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **asdict(status)}
        # The line break comes first, so that nothing is glued to a line that a kill cut short.
        with translate_errors(self._file), self._file.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps(record, ensure_ascii=False))


def last_status(folder: Path) -> Status | None:
    """The last report of a run, None if there is none."""
    found = _statuses(folder, _TAIL_BYTES)
    return found[-1] if found else None


def losses(folder: Path) -> list[Point]:
    """The losses reported so far, by step; of a step that was repeated after a kill the later ones."""
    points = {
        status.done: Point(status.done, status.loss, status.dev_loss)
        for status in _statuses(folder)
        if status.step == "train" and status.loss is not None
    }
    return [points[step] for step in sorted(points)]


def _statuses(folder: Path, last_bytes: int | None = None) -> list[Status]:
    """The statuses in the file, or in its last bytes; lines that are cut short are left out."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            if last_bytes:
                file.seek(max(0, file.seek(0, os.SEEK_END) - last_bytes))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    found = []
    for record in json_lines(text):
        with suppress(ValueError, TypeError):  # none of ours
            found.append(_STATUS.validate_python({name: record[name] for name in _FIELDS if name in record}))
    return found
