"""Works on one retraining of a home, in this process: from its request to its outcome.

usage: python -m app.worker HOME RUN [DESCRIPTOR OF THE HELD LOCK]
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.audit import note_promotion
from app.settings import load_settings
from app.workspace import Workspace
from finetune.retrain.commands import carry_out
from finetune.retrain.runs import RunStore
from finetune.retrain.values import Status

# What is asked on the page meanwhile goes first.
_NICENESS = 10


def main(arguments: Sequence[str]) -> None:
    """Work on a run of a home; its log takes what is printed."""
    home, run_id, *descriptor = arguments
    held = int(descriptor[0]) if descriptor else None
    if held is not None:
        os.set_inheritable(held, False)
    os.nice(_NICENESS)
    runs = RunStore(Path(home))
    with runs.working(run_id, held) as folder, Workspace(load_settings({"home": home})) as workspace:
        request = runs.get(run_id).request
        outcome = carry_out(workspace.pipeline(request.collection), request, folder, _nobody)
        note_promotion(workspace.settings.home, outcome)


def _nobody(_status: Status) -> None:
    """Who looks reads the log."""


if __name__ == "__main__":
    main(sys.argv[1:])
