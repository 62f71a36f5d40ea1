"""Failures of SQLite and of the file system, said in the words of domainqa's errors."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knowledge_base.errors import BusyError, DomainqaError, StorageError

_FULL = "Free some disk space and run the command again; what was stored before is still there."
_NOT_WRITABLE = "Give this user the right to write there, or choose another folder with --home."
_DAMAGED = "Restore the folder from a backup, or delete the collection and ingest its files again."
_OTHER = "Check the disk and the folder, then run the command again."
_BUSY = "Wait until the other process has finished, then run the command again."

_NOT_WRITABLE_ERRNO = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def translate_errors(place: Path) -> Iterator[None]:
    """Turn storage failures inside the block into StorageError or BusyError that name `place`.

    Misuse of the database (ProgrammingError, IntegrityError …) is a defect of ours and passes unchanged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
            raise
        raise _of_sqlite(error, place) from error
    except OSError as error:
        raise _of_system(error, place) from error


def _of_sqlite(error: sqlite3.DatabaseError, place: Path) -> DomainqaError:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return StorageError(f"The disk is full: {place} cannot grow.", _FULL)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageError(f"{place} cannot be opened for writing ({error}).", _NOT_WRITABLE)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageError(f"{place} is damaged ({error}).", _DAMAGED)
    if name.startswith("SQLITE_BUSY"):
        return BusyError(f"{place} is held by another process ({error}).", _BUSY)
    return StorageError(f"{place} cannot be read or written ({error}).", _OTHER)


def _of_system(error: OSError, place: Path) -> DomainqaError:
    if error.errno in _FULL_ERRNO:
        return StorageError(f"The disk is full: {place} cannot grow.", _FULL)
    if error.errno in _NOT_WRITABLE_ERRNO:
        return StorageError(f"{place} cannot be written ({error.strerror}).", _NOT_WRITABLE)
    return StorageError(f"{place} cannot be read or written ({error}).", _OTHER)
