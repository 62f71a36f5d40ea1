"""What was read in a picture is kept by the picture's content: nothing is read twice."""

import sqlite3
import threading
import zlib
from contextlib import closing
from pathlib import Path

from knowledge_base.errors import StorageError
from knowledge_base.ocr.text import PictureText

_BUSY_SECONDS = 30.0


class OcrCache:
    """A database of read pictures, which may be deleted at any time; safe for threads and processes.

    `maker` names what reads: another one reads everything again. Raises StorageError.
    """

    def __init__(self, file: Path, maker: str) -> None:
        self._file = file
        self._maker = maker
        self._lock = threading.Lock()

    def get(self, digest: str) -> PictureText | None:
        """What was read in a picture of this digest."""
        if not self._file.exists():
            return None
        with self._lock, closing(self._connect()) as connection:
            found = connection.execute(
                "SELECT text FROM pictures WHERE digest = ? AND maker = ?", (digest, self._maker)
            ).fetchone()
        return PictureText.from_json(zlib.decompress(found[0]).decode()) if found else None

    def put(self, digest: str, text: PictureText) -> None:
        """Keep what was read."""
        body = zlib.compress(text.as_json().encode())
        with self._lock, closing(self._connect()) as connection, connection:
            connection.execute(
                "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)", (digest, self._maker, body)
            )

    def clear(self) -> None:
        """Forget everything, also on the disk."""
        if self._file.exists():
            with self._lock, closing(self._connect()) as connection:
                with connection:
                    connection.execute("DELETE FROM pictures")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _connect(self) -> sqlite3.Connection:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._file, timeout=_BUSY_SECONDS)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            connection.execute(
                "CREATE TABLE IF NOT EXISTS pictures"
                " (digest TEXT NOT NULL, maker TEXT NOT NULL, text BLOB NOT NULL,"
                " PRIMARY KEY (digest, maker))"
            )
        except (OSError, sqlite3.Error) as error:
            raise StorageError(
                f"The text of read pictures in {self._file} cannot be used: {error}.",
                "Check the home folder, or delete that file: pictures are then read again.",
            ) from error
        return connection
