"""Uploads and ingests as jobs: they go on after the request, and every server of the home knows how far.

A job and its files are kept in the home. Jobs that wait when their server ends are taken over: by the next
server that starts, or by one that is asked for them.
"""

import shutil
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from app.replicas import RecentRecords, Replica, is_alive
from app.schema import Job, Shape, report_of
from app.spool import INCOMING
from app.uploads import noting_names
from app.workspace import Workspace
from knowledge_base.errors import BusyError, DomainqaError, NotFoundError
from knowledge_base.ingest import OnProgress, Progress, Report
from retrieval.storage import translate_errors

_REMEMBERED = 200
_MOST_WAITING = 20
_ABANDONED_SECONDS = 3600
_ENDED = "The server that worked on it has ended. Send it again: what was stored is kept."


class _Order(Shape):
    """A job, and the folder to ingest; None for uploaded files, whose first names are `given`."""

    job: Job
    ingest: str | None
    allow_removal: bool = False
    given: Mapping[str, str] = {}


class Jobs:
    """Works on one job after the other, and knows the recent jobs of all servers of this home."""

    def __init__(self, workspace: Workspace, home: Path) -> None:
        self._workspace = workspace
        self._home = home
        self._replica: Replica | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._records = RecentRecords(home, "orders", _REMEMBERED)
        self._inside = 0
        self.is_working = False  # on a job, which ends with it
        self._lock = threading.Lock()

    def folder(self) -> Path:
        """A new private folder, whose name is the id of a job, for the files of an upload."""
        folder = self._folder_of(uuid.uuid4().hex)
        with translate_errors(folder):
            folder.mkdir(parents=True, mode=0o700)
        return folder

    def upload(self, folder: Path, collection: str, given: Mapping[str, str] | None = None) -> Job:
        """Ingest the files of a folder that `folder` made; BusyError if too many jobs are waiting.

        `given` are the names that they had, by those that they have.
        """
        total = sum(1 for _ in folder.iterdir())
        job = Job(id=folder.name, collection=collection, state="waiting", done=0, total=total)
        return self._begin(_Order(job=job, ingest=None, given=given or {}))

    def ingest(self, folder: Path, collection: str, allow_removal: bool = False) -> Job:
        """Bring a collection up to date with a folder; BusyError if too many jobs are waiting."""
        job = Job(id=uuid.uuid4().hex, collection=collection, state="waiting", done=0, total=0)
        return self._begin(_Order(job=job, ingest=str(folder), allow_removal=allow_removal))

    def get(self, job_id: str) -> Job:
        """How far a job is; NotFoundError for one that is not remembered."""
        record = self._records.get(job_id)
        if record is None:
            raise unknown(job_id)
        order = _Order.model_validate_json(record.body)
        job = order.job
        if job.state not in {"waiting", "running"} or is_alive(self._home, record.owner):
            return job
        if job.state == "waiting":
            self._take_over(order, record.owner)
            return job
        shutil.rmtree(self._folder_of(job_id), ignore_errors=True)
        return job.model_copy(update={"state": "failed", "error": _ENDED})

    def resume(self) -> None:
        """Take over the jobs that wait for servers that have ended, and remove the files of their others."""
        with suppress(DomainqaError, OSError):  # a server that cannot read its home still starts, and says so
            known = self._records.ids()
            for job_id in known:
                self.get(job_id)
            for folder in (self._home / INCOMING).glob("*"):  # of servers that ended before they had a job
                if folder.name not in known and time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Accept no more; those that wait are left to another server."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._replica and not self.is_working:
            self._replica.close()  # else its end comes with that of the process

    def _begin(self, order: _Order) -> Job:
        with self._lock:
            if self._inside >= _MOST_WAITING:
                raise BusyError(f"{_MOST_WAITING} jobs are waiting.", "Send it again when they are done.")
            self._records.put(order.job.id, order.model_dump_json(), self._alive().id)
            self._inside += 1
        self._pool.submit(self._work, order)
        return order.job

    def _take_over(self, order: _Order, owner: str) -> None:
        with self._lock:
            if self._records.hand_over(order.job.id, owner, self._alive().id):
                self._inside += 1
                self._pool.submit(self._work, order)

    def _work(self, order: _Order) -> None:
        job = order.job
        self.is_working = True
        try:
            self._keep(order, state="running")
            report = self._carry_out(order, _Watch(partial(self._keep, order, state="running")))
        except DomainqaError as error:
            self._keep(order, state="failed", error=str(error))
        except Exception:  # a defect of ours must not leave a job that runs for ever
            self._keep(order, state="failed", error="The job failed unexpectedly; see the server's log.")
            raise
        else:
            told = report_of(report, job.collection)
            files = job.total or len((*told.added, *told.changed, *told.failed, *told.skipped))
            self._keep(order, state="done", done=files, total=files, report=told)
        finally:
            shutil.rmtree(self._folder_of(job.id), ignore_errors=True)
            self.is_working = False
            with self._lock:
                self._inside -= 1

    def _carry_out(self, order: _Order, progress: OnProgress) -> Report:
        collection = order.job.collection
        if order.ingest is not None:
            folder, allowed = Path(order.ingest), order.allow_removal
            return self._workspace.ingest(folder, collection, progress=progress, allow_removal=allowed)
        files = sorted(self._folder_of(order.job.id).iterdir())
        report = self._workspace.upload(files, collection, move=True, progress=progress)
        return noting_names(report, order.given)

    def _keep(self, order: _Order, **news: object) -> None:
        changed = order.model_copy(update={"job": order.job.model_copy(update=news)})
        self._records.put(order.job.id, changed.model_dump_json(), self._alive().id)

    def _alive(self) -> Replica:
        """This server, which lives from its first job on."""
        self._replica = self._replica or Replica(self._home)
        return self._replica

    def _folder_of(self, job_id: str) -> Path:
        return self._home / INCOMING / job_id


def unknown(job_id: str) -> NotFoundError:
    """There is no such job, or none that the caller may know of."""
    return NotFoundError(f"There is no job {job_id}.", f"The last {_REMEMBERED} are kept.")


class _Watch:
    """The `OnProgress` of a job."""

    def __init__(self, keep: Callable[..., None]) -> None:
        self._keep = keep

    def __call__(self, progress: Progress, /) -> None:
        self._keep(done=progress.documents_done, total=progress.documents_total)

    def waiting(self, _reason: str, /) -> None:
        """Another process writes; the job waits."""
