"""What several servers of one home share: which of them run, and recent jobs and answers.

Each server (replica) holds a lock in the home that ends with its process. Records are texts by id in one
SQLite file, since the home holds such files already and needs no further server for it.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from answering.values import Answer, Event, Finished
from app.erasure import mentions
from app.sqlite_file import SqliteFile
from knowledge_base.errors import BusyError, NotFoundError, StorageError
from retrieval.storage import translate_errors

_FOLDER = "replicas"
_FILE = "lately.sqlite"  # as earlier versions call it: what they remember is not left behind
_ANSWERS = 500  # that are remembered; each holds its passages, a few kilobytes
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;
"""
_PUT = """
INSERT INTO records (kind, id, owner, body) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET owner = excluded.owner, body = excluded.body
"""
_FORGET = """
DELETE FROM records WHERE kind = ?1 AND number <= (
    SELECT number FROM records WHERE kind = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2
)
"""


class Replica:
    """This server, alive until it is closed or its process ends; StorageError if it cannot hold a lock."""

    def __init__(self, home: Path) -> None:
        self.id = uuid.uuid4().hex
        self._file = _file_of(home, self.id)
        with translate_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # Held by the process, not by a thread: whoever asks in another thread must find it held.
            self._lock = FileLock(self._file, thread_local=False)
            self._lock.acquire(timeout=0)

    def close(self) -> None:
        """Let the others know that it has ended."""
        self._lock.release()
        self._file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Record:
    """A text, and the replica that it belongs to."""

    body: str
    owner: str


class RecentRecords:
    """Records of one kind. Safe for many threads and processes.

    Args:
        home: whose file it is.
        kind: what these records are; others in the same file are not seen.
        keep: how many are remembered.
    """

    def __init__(self, home: Path, kind: str, keep: int) -> None:
        repair = "remove it: it only holds recent jobs and answers"
        self._file = SqliteFile(home / _FILE, "file of recent records", repair, (_SCHEMA,))
        self._kind = kind
        self._keep = keep

    def put(self, record_id: str, body: str, owner: str = "") -> None:
        """Write a record, in place of one of the same id; StorageError if the file cannot be written."""
        with self._file.writing() as database:
            database.execute(_PUT, (self._kind, record_id, owner, body))
            database.execute(_FORGET, (self._kind, self._keep))

    def hand_over(self, record_id: str, owner: str, heir: str) -> bool:
        """Give a record to another replica; false if its owner has changed meanwhile."""
        with self._file.writing() as database:
            return bool(
                database.execute(
                    "UPDATE records SET owner = ? WHERE kind = ? AND id = ? AND owner = ?",
                    (heir, self._kind, record_id, owner),
                ).rowcount
            )

    def remove(self, record_ids: Iterable[str]) -> None:
        """Forget records."""
        with self._file.writing() as database:
            database.executemany(
                "DELETE FROM records WHERE kind = ? AND id = ?", [(self._kind, one) for one in record_ids]
            )

    def ids(self) -> list[str]:
        """The ids of all records, the oldest first."""
        with self._file.reading() as database:
            rows = database.execute(
                "SELECT id FROM records WHERE kind = ? ORDER BY number", (self._kind,)
            ).fetchall()
        return [row["id"] for row in rows]

    def get(self, record_id: str) -> Record | None:
        """A record; None if there is none, or none any more."""
        with self._file.reading() as database:
            row = database.execute(
                "SELECT body, owner FROM records WHERE kind = ? AND id = ?", (self._kind, record_id)
            ).fetchone()
        return Record(row["body"], row["owner"]) if row else None


class RecentAnswers:
    """Some hundred answers of one home, the oldest of which are forgotten first."""

    def __init__(self, home: Path) -> None:
        self._records = RecentRecords(home, "answers", _ANSWERS)

    def noting(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events as they come; a finished answer is remembered before it is passed on."""
        for event in events:
            if isinstance(event, Finished):
                self._note(event.answer)
            yield event

    def get(self, answer_id: str) -> Answer:
        """An answer by its id; NotFoundError for one that is no longer known."""
        record = self._records.get(answer_id)
        if record is None:
            raise NotFoundError(
                "This answer is no longer stored.", "Ask the question again and rate the new answer."
            )
        return self._shape.validate_json(record.body)

    def forget(self, collection: str, paths: Collection[str] | None) -> None:
        """Remove answers for which documents were read, or (None) all of a collection."""
        gone = []
        for answer_id in self._records.ids():
            record = self._records.get(answer_id)
            answer = json.loads(record.body) if record else {}
            if answer.get("collection") == collection and (paths is None or mentions(answer, paths)):
                gone.append(answer_id)
        self._records.remove(gone)

    @cached_property
    def _shape(self) -> TypeAdapter[Answer]:
        return TypeAdapter(Answer)

    def _note(self, answer: Answer) -> None:
        with suppress(StorageError, BusyError):  # on a full disk an answer is worth more than a verdict on it
            self._records.put(answer.id, self._shape.dump_json(answer).decode())


def is_alive(home: Path, replica_id: str) -> bool:
    """Whether that server still runs."""
    file = _file_of(home, replica_id)
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            file.unlink(missing_ok=True)
    except Timeout:
        return True
    return False


def _file_of(home: Path, replica_id: str) -> Path:
    return home / _FOLDER / f"{replica_id}.lock"
