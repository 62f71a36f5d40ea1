"""The bars of a retraining: one for each step, with the time that remains and, while it trains, the loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from app.cli.output import messages

if TYPE_CHECKING:
    from finetune.retrain.values import Status

_SECONDS_BETWEEN_LINES = 10.0
_LABELS = {
    "pairs": "Collecting pairs",
    "check": "Checking pairs",
    "split": "Splitting by document",
    "samples": "Making samples",
    "train": "Training",
    "calibrate": "Calibrating",
    "evaluate": "Testing",
    "judge": "Judging",
    "register": "Registering",
}


class RunBar:
    """Shows the progress of a retraining on standard error. It is an `OnStatus`.

    Where no terminal shows a bar, a line is written for each step and every ten seconds, so that a log shows
    progress.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_line = 0.0
        self._console = messages()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[news]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._label = ""
        self._task: TaskID | None = None
        self._dev_loss: float | None = None

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()

    def __call__(self, status: Status, /) -> None:
        """Something was done."""
        label = _label_of(status)
        self._dev_loss = self._dev_loss if status.dev_loss is None else status.dev_loss
        news = news_of(status, self._dev_loss)
        is_new = label != self._label
        if is_new or self._task is None:
            self._finish()
            self._label = label
            self._task = self._bar.add_task(escape(label), total=None, news="")
        self._bar.update(self._task, completed=status.done, total=status.total or None, news=escape(news))
        if not self._console.is_terminal and (is_new or self._clock() > self._next_line):
            self._next_line = self._clock() + _SECONDS_BETWEEN_LINES
            amount = f": {status.done} of {status.total}" if status.total else ""
            self._console.print(f"{label}{amount}{f', {news}' if news else ''}", markup=False)

    def _finish(self) -> None:
        """A step that is followed by another one is over, whatever it reported last."""
        if self._task is not None:
            total = self._bar.tasks[self._task].total or 1
            self._bar.update(self._task, completed=total, total=total)


def _label_of(status: Status) -> str:
    """The step, and whom or what it is about; while it trains the note changes with every step."""
    label = _LABELS[status.step]
    about = status.note if status.step not in ("train", "pairs") else ""
    return f"{label}: {about}" if about else label


def news_of(status: Status, dev_loss: float | None) -> str:
    """What is new within the step: the loss, the last validation loss, the speed."""
    if status.loss is None:
        return status.note if status.step == "pairs" else ""
    parts = [f"loss {status.loss:.3f}"]
    if dev_loss is not None:
        parts.append(f"validation {dev_loss:.3f}")
    return ", ".join([*parts, *([status.note] if status.note else [])])
