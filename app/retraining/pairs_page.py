"""The page that an import, a check or a generation of pairs leaves: counts, and every dropped pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.workspace import Workspace
from finetune.pairs.values import Dropped
from finetune.report.making import now
from finetune.report.pages import render_report
from finetune.report.selections import by_reason, lost_of
from finetune.report.values import PairsReport, Selection
from finetune.retrain.folder import RunFolder

CHECKED = ".check"  # between the name and ".html" where nothing was stored


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a file of pairs: how many were kept, and all that were dropped."""

    name: str
    pairs: int
    tasks: int
    dropped: Sequence[Dropped]


def leave_page(workspace: Workspace, collection: str, became: Became, suffix: str = "") -> Path:
    """Write the page beside the stored pairs of the collection, in place of the last one of that name.

    Raises StorageError if it cannot be written.
    """
    page = render_report(
        PairsReport(
            name=became.name,
            collection=collection,
            made=now(),
            selection=Selection(
                counts={
                    "pairs_kept": became.pairs,
                    "tasks_kept": became.tasks,
                    "pairs_dropped": len(became.dropped),
                },
                dropped=by_reason(became.dropped),
                lost=lost_of(became.dropped),
            ),
        ),
        workspace.settings.locale,
    )
    return RunFolder(workspace.pairs.folder / collection).write(f"{became.name}{suffix}.html", page)
