"""Who changed what: a file of the home to which a line is added for each act that an auditor asks about.

`audit.jsonl` holds one JSON object a line and is only ever added to; whoever collects logs can follow it.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.storage import translate_errors

if TYPE_CHECKING:
    from finetune.retrain.values import Outcome

FILE = "audit.jsonl"
# Use cases of `app.session` and of `app.operations` that are noted, by the names of their functions.
NOTED = frozenset({
    *("promote", "roll_back", "import_folder", "import_archive", "export", "remove", "remove_pairs"),
    *("delete", "delete_collection", "delete_document"),
})  # fmt: skip


@contextmanager
def noted(home: Path, who: str, act: str, subject: Mapping[str, object]) -> Iterator[None]:
    """Add a line about the act in the block when it has ended: "done", or the kind of error that ended it.

    Raises StorageError before the act if the file cannot be opened: what cannot be noted is not done.
    """
    file = home / FILE
    with translate_errors(file):
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    outcome = "done"
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "act": act,
            **{name: value for name, value in subject.items() if isinstance(value, str | int)},
            **{name: str(value) for name, value in subject.items() if isinstance(value, Path)},
            "outcome": outcome,
        }
        with translate_errors(file):
            os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
            os.fsync(descriptor)
            os.close(descriptor)


def note_promotion(home: Path, outcome: Outcome) -> None:
    """A retraining has ended; nothing if it did not make its version live."""
    if outcome.promoted:
        subject = {"name": outcome.name, "version": outcome.version, "report": outcome.report}
        with noted(home, owner(), "retrain", subject):
            pass


def owner() -> str:
    """Who works at the command line: the user of the system."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"{os.getuid()} (command line)"
