"""Progress bars on standard error, so that standard output stays for results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

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
    from knowledge_base.ingest import Progress as IngestProgress

_SECONDS_BETWEEN_LINES = 10.0
_LABELS = {
    "pairs": "Collecting pairs",
    "check": "Checking pairs",
    "split": "Splitting by document",
    "samples": "Building samples",
    "train": "Training",
    "calibrate": "Calibrating",
    "evaluate": "Testing",
    "judge": "Judging",
    "register": "Registering",
}


class Bars:
    """One bar for each step of some work: how far it is, what is new, and the time that remains.

    Where no terminal shows a bar, a line is written for each step and every ten seconds, so that a log shows
    that work goes on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_line = 0.0
        self._console = messages()
        self._bars = Progress(
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

    def __enter__(self) -> Self:
        """Show them."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._bars.stop()

    def show(self, label: str, done: int, total: int, news: str = "", unit: str = "") -> None:
        """How far a step is, 0 of 0 if that is unknown; another label is the next step."""
        is_new = label != self._label
        if is_new or self._task is None:
            self._finish()
            self._label = label
            self._task = self._bars.add_task(escape(label), total=None, news="")
        self._bars.update(self._task, completed=done, total=total or None, news=escape(news))
        if not self._console.is_terminal and (is_new or self._clock() > self._next_line):
            self._next_line = self._clock() + _SECONDS_BETWEEN_LINES
            amount = f": {done} of {total}{unit}" if total else " …"
            self._console.print(f"{label}{amount}{f', {news}' if news else ''}", markup=False)

    def hear(self, _kind: str, news: Sequence[Any]) -> None:
        """News of an operation: what it does, and how far it is."""
        self.show(*news)

    def waiting(self, reason: str, /) -> None:
        """Another process holds the home."""
        self._console.print(reason, markup=False)

    def _finish(self) -> None:
        """A step that is followed by another one is over, whatever was shown last."""
        if self._task is not None:
            total = self._bars.tasks[self._task].total or 1
            self._bars.update(self._task, completed=total, total=total)


class IngestBar(Bars):
    """The bar of an ingest: documents, passages per second, and the time that remains. An `OnProgress`."""

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._name = label
        self._began = clock()

    def __call__(self, progress: IngestProgress, /) -> None:
        """Something was read or stored."""
        elapsed = self._clock() - self._began
        rate = f"{progress.passages_done / elapsed:.0f} passages/s" if elapsed > 1 else ""
        if progress.page:
            rate = f"OCR: page {progress.page} of {progress.current}"
        self.show(self._name, progress.documents_done, progress.documents_total, rate, " documents")

    def hear(self, kind: str, news: Any) -> None:  # noqa: ANN401 - a reason, or how far it is
        """The same, as news of an operation."""
        (self.waiting if kind == "waiting" else self)(news)


class RunBar(Bars):
    """The bars of a retraining: one for each step and, while it trains, the loss."""

    _dev_loss: float | None = None

    def __call__(self, status: Status, /) -> None:
        """Something was done."""
        self._dev_loss = self._dev_loss if status.dev_loss is None else status.dev_loss
        self.show(_label_of(status), status.done, status.total, news_of(status, self._dev_loss))


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
