"""SQLite files and folders: connections that threads share, transactions, and failures in our own words."""

import errno
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from urllib.parse import quote

from knowledge_base.errors import BusyError, DomainqaError, MismatchError, NotFoundError, StorageError

_FULL = "Free some disk space and run the command again; what was stored before is still there."
_NOT_WRITABLE = "Give this user the right to write there, or choose another folder with --home."
_DAMAGED = "Restore the folder from a backup, or delete the collection and ingest its files again."
_OTHER = "Check the disk and the folder, then run the command again."
_BUSY = "Wait until the other process has finished, then run the command again."

_NOT_WRITABLE_ERRNO = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT}
# What SQLite says where it may not or cannot write the files beside the database that readers share.
_UNWRITABLE = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")
_BUSY_SECONDS = 30.0


@contextmanager
def translate_errors(place: Path, repair: str = _DAMAGED) -> Iterator[None]:
    """Turn storage failures inside the block into StorageError or BusyError that name `place`.

    `repair` says what to do about a damaged database. Misuse of a database (ProgrammingError,
    IntegrityError …) is a defect of ours and passes unchanged.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) not in (sqlite3.OperationalError, sqlite3.DatabaseError):
            raise
        raise _sqlite_failure(error, place, repair) from error
    except OSError as error:
        raise _system_failure(error, place) from error


class Database:
    """Connections to one SQLite file, each used by one thread at a time; opened at the first use.

    `synchronous=FULL`: what was reported done survives a power failure too. `secure_delete`: what was deleted
    is overwritten. Where the disk is full or read-only, the file can still be read.

    Args:
        file: the database.
        migrations: SQL scripts; number n leads from layout n to layout n + 1, which the file keeps.
        create: make the file, and its folder, if it is not there.
        private: only the owner may read it.
        wal: keep a write-ahead log, so that others read while one writes; without it, a copy of the file
            alone is a backup.
        repair: what to do if it is damaged.

    Reading and writing raise NotFoundError if the file is not there, or another one by now, and may not be
    made; MismatchError if a newer program wrote it; StorageError or BusyError if it cannot be used.
    """

    def __init__(
        self,
        file: Path,
        migrations: Sequence[str],
        *,
        create: bool = True,
        private: bool = False,
        wal: bool = True,
        repair: str = _DAMAGED,
    ) -> None:
        self.file = file
        self._migrations = migrations
        self._creates, self._is_private, self._repair = create, private, repair
        self._journal = "WAL" if wal else "DELETE"
        self._idle: LifoQueue[_Connection] = LifoQueue()
        self._opening = threading.Lock()
        self._inode: int | None = None

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One state of the database, whatever others commit meanwhile."""
        with self.connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it at the end of the block, or nothing."""
        with self.connection() as connection, _transaction(connection):
            yield connection

    @contextmanager
    def write_from(self, other: Path) -> Iterator[sqlite3.Connection]:
        """A transaction that can read another database, under the name `fresh`."""
        with self.connection() as connection:
            connection.execute("ATTACH ? AS fresh", (str(other),))
            try:
                with _transaction(connection):
                    yield connection
            finally:
                connection.execute("DETACH fresh")

    def maintain(self) -> None:
        """Give freed pages back to the disk and fold the write-ahead log into the file."""
        with self.connection() as connection:
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA optimize").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close every connection that is not in use."""
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def connection(self) -> Iterator["_Connection"]:
        """A connection on which each statement is a transaction of its own."""
        with translate_errors(self.file, self._repair):
            self._open()
            try:
                connection = self._idle.get_nowait()
            except Empty:
                connection = self._connect(create=False)
            try:
                self._known_layout(connection)
                yield connection
            finally:
                if connection.unwritable:  # the disk may be writable the next time
                    connection.close()
                else:
                    self._idle.put(connection)

    def _open(self) -> None:
        """Create and migrate the file at the first use; later make sure that it is still the same one.

        An open file outlives its deletion: without this a deleted collection would go on answering.
        """
        with self._opening:
            if self._inode is not None and not self._is_same():
                if not self._creates:
                    raise NotFoundError(f"{self.file} was deleted or replaced.", "Open it again by its name.")
                self.close()
                self._inode = None
            if self._inode is None:
                if not self._creates and not self.file.is_file():
                    raise NotFoundError(f"There is no file {self.file}.", "Check the path.")
                if self._creates:
                    self.file.parent.mkdir(parents=True, exist_ok=True)
                    self.file.touch(mode=0o600 if self._is_private else 0o666)
                connection = self._connect(create=self._creates)
                try:
                    self._migrate(connection)
                finally:
                    connection.close()
                self._inode = self.file.stat().st_ino

    def _is_same(self) -> bool:
        return self.file.exists() and self.file.stat().st_ino == self._inode

    def _connect(self, *, create: bool) -> "_Connection":
        try:
            return self._connect_as("mode=rwc" if create else "mode=rw")
        except sqlite3.OperationalError as error:
            if not str(getattr(error, "sqlite_errorname", "")).startswith(_UNWRITABLE) or self._has_log():
                raise
            connection = self._connect_as("mode=ro&immutable=1")  # needs no files beside the database
            connection.unwritable = error
            return connection

    def _has_log(self) -> bool:
        """Whether transactions may wait in the write-ahead log, so that the file alone is not enough."""
        log = self.file.with_name(f"{self.file.name}-wal")
        return not self.file.is_file() or (log.is_file() and log.stat().st_size > 0)

    def _connect_as(self, mode: str) -> "_Connection":
        connection = sqlite3.connect(
            f"file:{quote(str(self.file))}?{mode}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # handed from thread to thread by the pool, never shared
            factory=_Connection,
        )
        try:
            if "immutable" not in mode:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute(f"PRAGMA journal_mode = {self._journal}").fetchall()
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON").fetchall()
                connection.execute("PRAGMA foreign_keys = ON")
            _layout(connection)  # the first page is read here, where a fallback is possible
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _known_layout(self, connection: sqlite3.Connection) -> int:
        """The layout of the file; MismatchError if a newer program made it, which may happen at any time."""
        layout, known = _layout(connection), len(self._migrations)
        if layout > known:
            raise MismatchError(
                f"{self.file} has layout {layout}; this program knows up to {known}.",
                "Update domainqa, or choose another folder with --home.",
            )
        return layout

    def _migrate(self, connection: "_Connection") -> None:
        known = len(self._migrations)
        if self._known_layout(connection) == known:
            return
        with _transaction(connection):
            for script in self._migrations[_layout(connection) :]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {known}")


class _Connection(sqlite3.Connection):
    unwritable: sqlite3.OperationalError | None = None  # why it can only be read


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _transaction(connection: _Connection) -> Iterator[None]:
    if connection.unwritable:  # SQLite would only say that it is read-only
        raise connection.unwritable
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _sqlite_failure(error: sqlite3.DatabaseError, place: Path, repair: str) -> DomainqaError:
    name = getattr(error, "sqlite_errorname", "")
    if name in {"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"}:  # no room for a page, or the index of the log
        return StorageError(f"The disk is full: {place} cannot grow.", _FULL)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageError(f"{place} cannot be opened for writing ({error}).", _NOT_WRITABLE)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageError(f"{place} is damaged ({error}).", repair)
    if name.startswith("SQLITE_BUSY"):
        return BusyError(f"{place} is held by another process ({error}).", _BUSY)
    return StorageError(f"{place} cannot be read or written ({error}).", _OTHER)


def _system_failure(error: OSError, place: Path) -> DomainqaError:
    if error.errno in _FULL_ERRNO:
        return StorageError(f"The disk is full: {place} cannot grow.", _FULL)
    if error.errno in _NOT_WRITABLE_ERRNO:
        return StorageError(f"{place} cannot be written ({error.strerror}).", _NOT_WRITABLE)
    return StorageError(f"{place} cannot be read or written ({error}).", _OTHER)
