"""The retrainings of a home folder: start, watch, stop and continue them from any process."""

import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from answering.references import check_name
from finetune.files import ResultFolder, json_lines
from finetune.pairs.store import GENERATED, digest_of_files, files_of
from finetune.retrain.lock import RunLock
from finetune.retrain.values import Outcome, Status
from finetune.settings import Option, settings_of
from finetune.training.values import Point
from knowledge_base.errors import DomainqaError, InputError, NotFoundError, StorageError
from knowledge_base.values import digest_of
from retrieval.storage import translate_errors

State = Literal["waiting", "running", "stopped", "failed", "done"]
REPORT = "report.html"
LOG = "worker.log"
EVENTS = "events.jsonl"

_ROOT = Path(__file__).parents[2]
_SECONDS_BETWEEN = 0.3
# More than a line has.
_TAIL_BYTES = 65_536
_STATUS = TypeAdapter(Status)
_FIELDS = [field.name for field in fields(Status)]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a retraining is asked to do.

    Pairs come from `files` (a folder means the files of pairs in it), with `stored` from those that were
    imported into the collection, with `feedback` from the verdicts of its users, and `generate` is the
    number of passages that the model writes questions for. `settings` are options, {"epochs": 3, "rank": 8};
    see `finetune.settings.RetrainSettings`.
    """

    collection: str
    name: str
    files: tuple[Path, ...] = ()
    stored: bool = True
    feedback: bool = True
    generate: int = 0
    settings: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The state of one retraining.

    `created` is an ISO time (UTC); `status` its last report, None before it began; `error` one message, ""
    unless it failed; `outcome` is there when it is done, `report` when the page can be read.
    """

    id: str
    name: str
    collection: str
    created: str
    state: State
    status: Status | None
    error: str
    outcome: Outcome | None
    report: Path | None
    request: RunRequest


# `list` is a method below, and there the type would be taken for it.
Runs = list[RunInfo]
Curve = list[Point]


@dataclass(frozen=True, slots=True)
class _Run:
    """What is noted of a retraining when it is made; see `RunStore.fingerprint`."""

    request: RunRequest
    created: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a retraining failed; it can continue unless its input is at fault."""

    message: str
    can_go_on: bool


class RunStore:
    """The retrainings of one home, each in a folder of its own; safe for many threads and processes.

    `worker` is the command that carries one out in another process; it is given the home, the run and the
    descriptor of the held lock.
    """

    def __init__(self, home: Path, worker: Sequence[str] = ()) -> None:
        self.folder = home / "runs"
        self._home = home
        self._worker_command = worker
        self._lock = RunLock(self.folder / ".lock")

    def create(self, request: RunRequest) -> RunInfo:
        """Note a retraining without starting it.

        Raises InputError for a name that no adapter can have, settings that do not fit, and files that are
        not there.
        """
        check_name(request.name)
        settings_of(request.settings)
        request = replace(request, files=tuple(path.absolute() for path in request.files))
        now = datetime.now(UTC)
        run = _Run(request, now.isoformat(timespec="seconds"), self.fingerprint(request))
        run_id = self._fresh(f"{now:%Y%m%d-%H%M%S}-{request.name}")
        ResultFolder(self.folder / run_id).store("run", run)
        return self.get(run_id)

    def unfinished(self, request: RunRequest) -> RunInfo | None:
        """The newest run of the same request that can continue, if the contents of its files are the same."""
        fingerprint = self.fingerprint(request)
        for info in self.list():
            run = self._run(info.id)
            if info.state != "done" and run is not None and run.fingerprint == fingerprint:
                failure = ResultFolder(self.folder / info.id).load("error", _Failure)
                if info.state != "failed" or failure is None or failure.can_go_on:
                    return info
        return None

    def fingerprint(self, request: RunRequest) -> str:
        """Tells requests apart, and the contents of their files; a file that a run adds to does not count.

        Raises InputError for a file that is not there.
        """
        found = sorted((self._home / "pairs" / request.collection).glob("*.jsonl"))
        stored = [file for file in found if not (request.generate and file.stem == GENERATED)]
        content = digest_of_files([*files_of(request.files), *(stored if request.stored else ())])
        values = asdict(request) | {"files": [str(path.absolute()) for path in request.files]}
        return digest_of(f"{json.dumps(values, sort_keys=True)}\0{content}".encode())

    def start(self, run_id: str) -> None:
        """Work on it in another process, which outlives this one; a stopped or failed one continues.

        Raises NotFoundError, BusyError if a retraining runs in this home, InputError if it is done.
        """
        info = self.get(run_id)
        if info.state == "done":
            raise InputError(f"The retraining {run_id} is done.", "Start another one.")
        descriptor = self._lock.take(run_id)
        try:
            process = self._worker(run_id, descriptor)
            self._lock.hand_over(descriptor, run_id, process.pid)
        finally:
            os.close(descriptor)
        threading.Thread(target=process.wait, name=f"retraining {run_id}", daemon=True).start()

    def stop(self, run_id: str) -> None:
        """End its process; it can be started again to continue. Nothing happens if it does not run."""
        self.get(run_id)
        self._lock.end(run_id)

    def list(self) -> Runs:
        """All of them, the newest first."""
        with translate_errors(self.folder):
            names = sorted((file.parent.name for file in self.folder.glob("*/run.json")), reverse=True)
        return [info for name in names if (info := self._info(name)) is not None]

    def get(self, run_id: str) -> RunInfo:
        """One of them; NotFoundError if there is none of that id."""
        info = self._info(run_id) if run_id == Path(run_id).name else None
        if info is None:
            known = ", ".join(one.id for one in self.list()) or "none"
            raise NotFoundError(f"There is no retraining {run_id}.", f"There is: {known}.")
        return info

    def curve(self, run_id: str) -> Curve:
        """The loss curve so far, by step; NotFoundError if there is none of that id."""
        self.get(run_id)
        return _trained_losses(self.folder / run_id) or reported_losses(self.folder / run_id)

    @contextmanager
    def working(self, run_id: str, descriptor: int | None = None) -> Iterator[ResultFolder]:
        """Work on a run in this process during the block; how that fails is noted.

        Args:
            run_id: which one.
            descriptor: of the lock, where it was inherited; else it is taken, or BusyError raised.
        """
        self.get(run_id)
        folder = ResultFolder(self.folder / run_id)
        with self.alone(run_id, descriptor):
            folder.remove("error")
            try:
                yield folder
            except Exception as error:
                with suppress(StorageError):  # where there is no room for a note, the failure itself says so
                    folder.store("error", _failure_of(error, folder.path / LOG))
                raise

    @contextmanager
    def alone(self, name: str, descriptor: int | None = None) -> Iterator[None]:
        """Nobody else trains in this home during the block; see `working` for the descriptor."""
        held = self._lock.take(name) if descriptor is None else descriptor
        try:
            self._lock.hand_over(held, name, os.getpid())
            yield
        finally:
            os.close(held)

    def _worker(self, run_id: str, descriptor: int) -> "subprocess.Popen[bytes]":
        log = self.folder / run_id / LOG
        command = [*self._worker_command, str(self._home), run_id, str(descriptor)]
        with translate_errors(log), log.open("ab") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[descriptor],
                start_new_session=True,
                cwd=_ROOT,
            )

    def _fresh(self, wanted: str) -> str:
        """A folder of that name, or with a number behind it, made for this run alone."""
        with translate_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            for number in itertools.count(1):
                name = wanted if number == 1 else f"{wanted}-{number}"
                with suppress(FileExistsError):
                    (self.folder / name).mkdir()
                    break
        return name

    def _run(self, run_id: str) -> _Run | None:
        return ResultFolder(self.folder / run_id).load("run", _Run)

    def _info(self, run_id: str) -> RunInfo | None:
        run = self._run(run_id)
        if run is None:
            return None
        folder = ResultFolder(self.folder / run_id)
        holder = self._lock.holder()
        outcome = folder.load("outcome", Outcome)
        failure = folder.load("error", _Failure)
        status = last_status(folder.path)
        is_held = holder is not None and holder.run == run_id
        was_begun = status is not None or (folder.path / LOG).exists()
        state: State = "running" if is_held else "stopped" if was_begun else "waiting"
        if outcome is not None:
            state = "done"
        elif failure is not None and not is_held:
            state = "failed"
        report = folder.path / REPORT
        return RunInfo(
            id=run_id,
            name=run.request.name,
            collection=run.request.collection,
            created=run.created,
            state=state,
            status=status,
            error=failure.message if failure is not None and state == "failed" else "",
            outcome=outcome,
            report=report if report.is_file() else None,
            request=run.request,
        )


def _failure_of(error: Exception, log: Path) -> _Failure:
    if isinstance(error, DomainqaError):
        return _Failure(str(error), not isinstance(error, InputError))
    return _Failure(f"It ended unexpectedly: {error!r}. The file {log} says where.", True)


def _trained_losses(folder: Path) -> Curve:
    """The whole curve, once training is through; nothing before."""
    try:
        stored = json.loads((folder / "trained.json").read_text(encoding="utf-8"))
        return [Point(**point) for point in stored["trained"]["curve"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


class EventLog:
    """Appends statuses to a file: beginning and end of a step, measurements, else a few per second."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = folder / EVENTS
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


def reported_losses(folder: Path) -> list[Point]:
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
        with (folder / EVENTS).open("rb") as file:
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
