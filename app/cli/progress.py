"""Progress bars on standard error, so that standard output stays for results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from app.cli.output import messages

if TYPE_CHECKING:
    from knowledge_base.ingest import Progress as IngestProgress

_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for work that tells what it does, and how far it is (0 of 0: unknown)."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = messages()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {}

        def tell(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(escape(label), total=total or None)
                if not console.is_terminal:
                    console.print(f"{label} …", markup=False)
            bars.update(tasks[label], completed=done, total=total or None)

        yield tell


class IngestBar:
    """The bar of an ingest: documents, passages a second, time that remains. It is an `OnProgress`.

    Where no terminal shows a bar, a line is written now and then, so that a log tells that work goes on.
    """

    def __init__(self, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._label = label
        self._clock = clock
        self._next_line = clock() + _SECONDS_BETWEEN_LINES
        self._console = messages()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(escape(label), total=None, rate="")

    def __enter__(self) -> Self:
        """Show it."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()

    def __call__(self, progress: IngestProgress, /) -> None:
        """Something was read or stored."""
        elapsed = self._bar.tasks[self._task].elapsed or 0.0
        rate = f"{progress.passages_done / elapsed:.0f} passages/s" if elapsed > 1 else ""
        if progress.page:
            rate = f"OCR: page {progress.page} of {progress.current}"
        self._bar.update(
            self._task, completed=progress.documents_done, total=progress.documents_total, rate=escape(rate)
        )
        if not self._console.is_terminal and self._clock() > self._next_line:
            self._next_line = self._clock() + _SECONDS_BETWEEN_LINES
            done = f"{progress.documents_done} of {progress.documents_total} documents"
            self._console.print(f"{self._label}: {done}, {rate}", markup=False)

    def waiting(self, reason: str, /) -> None:
        """Somebody else holds the home."""
        self._console.print(reason, markup=False)
