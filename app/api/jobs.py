"""Uploads that go on after the request that started them; the last ones are remembered."""

import shutil
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.api.shapes import Job, Taken
from app.page.service import Service
from knowledge_base.errors import BusyError, DomainqaError, NotFoundError
from knowledge_base.ingest import Progress

_REMEMBERED = 200
_WAITING = 20


class Jobs:
    """Works on one upload after the other."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def upload(self, files: list[Path], collection: str, folder: Path) -> Job:
        """Take in files, and remove the folder they lie in afterwards; BusyError if too many are waiting."""
        job = Job(id=uuid.uuid4().hex, collection=collection, state="waiting", done=0, total=len(files))
        with self._lock:
            if sum(known.state in {"waiting", "running"} for known in self._jobs.values()) >= _WAITING:
                raise BusyError(f"{_WAITING} uploads are waiting.", "Upload again when they are done.")
            self._jobs[job.id] = job
            while len(self._jobs) > _REMEMBERED:
                self._jobs.popitem(last=False)
        self._pool.submit(self._work, job, files, folder)
        return job

    def get(self, job_id: str) -> Job:
        """How far a job is; NotFoundError for one that is not remembered."""
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise NotFoundError(f"There is no job {job_id}.", "Jobs are forgotten when the server restarts.")
        return job

    def close(self) -> None:
        """Take no more; the running one is finished."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, job: Job, files: list[Path], folder: Path) -> None:
        self._tell(job, state="running")
        try:
            report = self._service.upload(files, job.collection, progress=_Watch(self._teller(job)))
        except DomainqaError as error:
            self._tell(job, state="failed", error=str(error))
        except Exception:  # a defect of ours must not leave a job that runs for ever
            self._tell(
                job, state="failed", error="The upload failed unexpectedly; the server's log says why."
            )
            raise
        else:
            self._tell(job, state="done", done=job.total, report=Taken.model_validate(report))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _teller(self, job: Job) -> Callable[[int], None]:
        return lambda done: self._tell(job, done=done)

    def _tell(self, job: Job, **news: object) -> None:
        with self._lock:
            if job.id in self._jobs:
                self._jobs[job.id] = self._jobs[job.id].model_copy(update=news)


class _Watch:
    """The `OnProgress` of a job."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell = tell

    def __call__(self, progress: Progress, /) -> None:
        self._tell(progress.documents_done)

    def waiting(self, _reason: str, /) -> None:
        """Somebody else writes; the job waits."""
