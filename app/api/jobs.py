"""Files are taken in after the request that brought them; every copy of the server knows how far it is."""

import shutil
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from app.replicas import RecentRecords, Replica, is_alive
from app.schema import Job, report_of
from app.session import Session
from knowledge_base.errors import BusyError, DomainqaError, NotFoundError
from knowledge_base.ingest import OnProgress, Progress, Report

Work = Callable[[OnProgress], Report]

_REMEMBERED = 200
_WAITING = 20
_ENDED = "The server that worked on it has ended. Send it again: what was taken in stays."


class Jobs:
    """Works on one after the other, and knows the recent jobs of all servers of this home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._copy: Replica | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._records = RecentRecords(home, "jobs", _REMEMBERED)
        self._inside = 0
        self._running = False
        self._lock = threading.Lock()

    def upload(self, session: Session, files: list[Path], collection: str, folder: Path) -> Job:
        """Take in files, and remove the folder they lie in afterwards; BusyError if too many are waiting."""

        def work(progress: OnProgress) -> Report:
            try:
                return session.upload(files, collection, progress=progress)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return self._begin(collection, len(files), work)

    def ingest(self, session: Session, folder: Path, collection: str) -> Job:
        """Bring a collection up to date with a folder; BusyError if too many are waiting."""
        return self._begin(collection, 0, lambda told: session.ingest(folder, collection, progress=told))

    def get(self, job_id: str) -> Job:
        """How far a job is; NotFoundError for one that is not remembered."""
        record = self._records.get(job_id)
        if record is None:
            raise NotFoundError(f"There is no job {job_id}.", f"The last {_REMEMBERED} are remembered.")
        job = Job.model_validate_json(record.body)
        if job.state in {"waiting", "running"} and not is_alive(self._home, record.owner):
            return job.model_copy(update={"state": "failed", "error": _ENDED})
        return job

    def close(self) -> None:
        """Take no more; the running one is finished, and those that wait will be told as ended."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._copy and not self._running:
            self._copy.close()  # else its end comes with that of the process

    def _begin(self, collection: str, total: int, work: Work) -> Job:
        job = Job(id=uuid.uuid4().hex, collection=collection, state="waiting", done=0, total=total)
        with self._lock:
            if self._inside >= _WAITING:
                raise BusyError(f"{_WAITING} jobs are waiting.", "Send it again when they are done.")
            self._copy = self._copy or Replica(self._home)
            self._keep(job)
            self._inside += 1
        self._pool.submit(self._work, job, work)
        return job

    def _work(self, job: Job, work: Work) -> None:
        self._running = True
        try:
            self._tell(job, state="running")
            report = work(_Watch(partial(self._tell, job, state="running")))
        except DomainqaError as error:
            self._tell(job, state="failed", error=str(error))
        except Exception:  # a defect of ours must not leave a job that runs for ever
            self._tell(job, state="failed", error="The job failed unexpectedly; the server's log says why.")
            raise
        else:
            taken = report_of(report, job.collection)
            files = job.total or len((*taken.added, *taken.changed, *taken.failed, *taken.skipped))
            self._tell(job, state="done", done=files, total=files, report=taken)
        finally:
            self._running = False
            with self._lock:
                self._inside -= 1

    def _tell(self, job: Job, **news: object) -> None:
        self._keep(job.model_copy(update=news))

    def _keep(self, job: Job) -> None:
        assert self._copy is not None
        self._records.put(job.id, job.model_dump_json(), self._copy.id)


class _Watch:
    """The `OnProgress` of a job."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    def __call__(self, progress: Progress, /) -> None:
        self._tell(done=progress.documents_done, total=progress.documents_total)

    def waiting(self, _reason: str, /) -> None:
        """Somebody else writes; the job waits."""
