"""Works on one retraining of a home: from its request to its outcome, in this process.

usage: python -m app.retraining.worker HOME RUN [DESCRIPTOR OF THE HELD LOCK]
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from app.retraining.events import EventLog
from app.retraining.files import GENERATED
from app.retraining.from_feedback import feedback_source
from app.retraining.generation import generate
from app.retraining.options import settings_of
from app.retraining.runs import RunStore
from app.retraining.sources import together
from app.retraining.surroundings import WorkspaceSurroundings, require_host
from app.retraining.values import RunRequest
from app.settings import load_settings
from app.workspace import Workspace
from finetune.retrain.folder import RunFolder
from finetune.retrain.loop import retrain
from finetune.retrain.preflight import require_given
from finetune.retrain.values import Given, Outcome, Status, Tell
from finetune.training.processes import join_processes
from knowledge_base.errors import InputError
from retrieval.storage import translate_errors

# What is asked on the page meanwhile goes first.
_NICENESS = 10


def require_alone() -> None:
    """InputError if this is one of several processes that were launched together."""
    if join_processes().count > 1:
        raise InputError("Several processes can only train together.", "Launch `domainqa train` so.")


def carry_out(workspace: Workspace, request: RunRequest, folder: RunFolder, tell: Tell) -> Outcome:
    """Do what is left of a retraining, which may be all of it; its outcome.

    Args:
        workspace: of the home in which the run was made.
        request: what is asked.
        folder: of the run, held by this process.
        tell: is told every step, beside the log in the folder.

    Raises:
        InputError, NotFoundError: what was given cannot be used.
        ModelError, MismatchError, StorageError: see `finetune.retrain.loop.retrain`.
    """
    log = EventLog(folder.path)

    def told(status: Status) -> None:
        log(status)
        tell(status)

    settings = settings_of(request.settings)
    with translate_errors(folder.path):
        surroundings = WorkspaceSurroundings(workspace, request.collection)
        require_host(workspace)
        told(Status("pairs", 0, request.generate))
        given = folder.once("given", Given, lambda: gather(workspace, request, told, settings.seed))
        return retrain(request.name, given, surroundings, workspace.registry, settings, folder.path, told)


def gather(workspace: Workspace, request: RunRequest, tell: Tell, seed: int = 0) -> Given:
    """The pairs that a request names: generated, stored, from files and from feedback.

    Raises InputError if there are none, with what was tried.
    """
    if request.generate:
        generate(
            workspace,
            request.collection,
            request.generate,
            lambda done, total: tell(Status("pairs", done, total, "writing questions")),
            seed,
        )
    wanted = None if request.stored else [GENERATED] if request.generate else []
    sources = [*workspace.pairs.sources(request.collection, request.files, wanted)]
    if request.feedback:
        sources.append(feedback_source(workspace.feedback_on(request.collection)))
    given = together([source for source in sources if source.data.pairs or source.dropped])
    require_given(given)
    return given


def main(arguments: Sequence[str]) -> None:
    """Work on a run of a home; its log takes what is printed."""
    home, run_id, *descriptor = arguments
    held = int(descriptor[0]) if descriptor else None
    if held is not None:
        os.set_inheritable(held, False)
    os.nice(_NICENESS)
    runs = RunStore(Path(home))
    with runs.working(run_id, held) as folder, Workspace(load_settings({"home": home})) as workspace:
        carry_out(workspace, runs.get(run_id).request, folder, _nobody)


def _nobody(_status: Status) -> None:
    """Who looks reads the log."""


if __name__ == "__main__":
    main(sys.argv[1:])
