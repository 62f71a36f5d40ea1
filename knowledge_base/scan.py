"""What is in a folder: the files that can be read, with digests, and all that could not be looked at."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from knowledge_base.errors import InputError, LoadError, UnreadFormatError
from knowledge_base.loaders import Member, formats, members, read, suffix_of, unread_format
from knowledge_base.values import digest_of, file_digest

_COPY = "Copy what it names into the folder."


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be read, by its document path, why, and what to do."""

    path: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file of a format that is not read, by the path that its document would have, why, and what to do."""

    path: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that can be read: `path` is its document's path, `digest` the SHA-256 of its bytes.

    `member` is the path within the archive at `location` of a file that is in one, "" for any other.
    """

    path: str
    location: Path
    digest: str
    size: int
    modified: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds; `unseen` are the document paths of folders that could not be opened, so that
    nothing is known of what is below them.
    """

    files: tuple[FoundFile, ...]
    failed: tuple[FailedFile, ...]
    unseen: tuple[str, ...]
    skipped: tuple[SkippedFile, ...]


def scan(folder: Path, *, prefix: str = "", max_bytes: int) -> Scan:
    """Look through a folder and all below it, in the order of the names.

    The members of a zip archive are files of their own, as `archive.zip/member.docx`. Hidden files and
    folders and lock files of office programs (~$…) are passed over. Links to outside the
    folder are reported and not followed; links to folders inside it are passed over, as what they name is
    found in its own place.

    Args:
        folder: where to look.
        prefix: put before every document path, e.g. "uploads/".
        max_bytes: larger files are reported as failed.

    Raises:
        InputError: the folder does not exist or cannot be read.
    """
    root = _readable(folder)
    return _Scanner(root, prefix, max_bytes).scan()


def _readable(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
        with os.scandir(root):
            return root
    except FileNotFoundError:
        raise InputError(f"The folder {folder} does not exist.", "Check the path.") from None
    except NotADirectoryError:
        raise InputError(f"{folder} is a file.", "Name the folder that holds it.") from None
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read: {error.strerror}.", "Check its permissions."
        ) from error


class _Scanner:
    def __init__(self, root: Path, prefix: str, max_bytes: int) -> None:
        self._root = root
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._files: dict[str, FoundFile] = {}
        self._failed: list[FailedFile] = []
        self._unseen: list[str] = []
        self._skipped: list[SkippedFile] = []

    def scan(self) -> Scan:
        for location in self._walk():
            self._look_at(location)
        files, failed = tuple(self._files.values()), tuple(self._failed)
        return Scan(files, failed, tuple(self._unseen), tuple(self._skipped))

    def _walk(self) -> Iterator[Path]:
        """Files and links to files below the root."""
        for where, folders, names in os.walk(self._root, onerror=self._note_unseen):
            here = Path(where)
            folders[:] = sorted(name for name in folders if not is_passed_over(name))
            for name in folders:
                if (here / name).is_symlink() and self._leaves(here / name):
                    self._fail(here / name, "The link leads out of the folder.", _COPY)
            yield from (here / name for name in sorted(names) if not is_passed_over(name))

    def _note_unseen(self, error: OSError) -> None:
        folder = Path(error.filename)
        self._unseen.append(self._key(folder) + "/")
        self._fail(folder, f"The folder cannot be read: {error.strerror}.", "Check its permissions.")

    def _look_at(self, location: Path) -> None:
        if suffix_of(location.name) not in formats():
            self._skip(location, unread_format(location.name))
        elif not _is_unicode(str(location)):
            self._fail(location, "The name is not valid Unicode.", "Rename the file.")
        elif location.is_symlink() and self._leaves(location):
            self._fail(location, "The link leads out of the folder.", _COPY)
        else:
            self._add(location)

    def _add(self, location: Path) -> None:
        path = self._key(location)
        if path in self._files:
            self._fail(location, "Another file's name differs only in how it is encoded.", "Rename one.")
            return
        try:
            status = location.stat()
            if not S_ISREG(status.st_mode):
                self._skip(location, UnreadFormatError("It is a pipe or a device.", "Remove it."))
                return
            digest = file_digest(location) if 0 < status.st_size <= self._max_bytes else ""
        except OSError as error:
            self._fail(location, f"The file cannot be opened: {error.strerror}.", "Check its permissions.")
            return
        modified = datetime.fromtimestamp(status.st_mtime, UTC).date().isoformat()
        if suffix_of(location.name) == "zip" and digest:
            self._add_members(location, modified)
        else:
            self._files[path] = FoundFile(path, location, digest, status.st_size, modified)

    def _add_members(self, location: Path, modified: str) -> None:
        """Add the files in an archive; where it cannot be opened, what came of it before stays."""
        archive = self._key(location)
        try:
            for member in members(read(location, self._max_bytes), max_bytes=self._max_bytes):
                self._add_member(f"{archive}/{member.path}", location, member, modified)
        except LoadError as error:
            self._failed.append(FailedFile(archive, error.cause, error.remedy))
            self._unseen.append(f"{archive}/")

    def _add_member(self, path: str, location: Path, member: Member, modified: str) -> None:
        if suffix_of(path) not in formats():
            error = unread_format(path)
            self._skipped.append(SkippedFile(path, error.cause, error.remedy))
        elif member.error is not None:
            self._failed.append(FailedFile(path, member.error.cause, member.error.remedy))
        elif not member.data:
            self._failed.append(FailedFile(path, "The file is empty.", "Remove it or fill it."))
        else:
            size, digest = len(member.data), digest_of(member.data)
            self._files[path] = FoundFile(path, location, digest, size, modified, member.path)

    def _leaves(self, link: Path) -> bool:
        # os.path.realpath, unlike Path.resolve, bears links that name each other
        return not Path(os.path.realpath(link)).is_relative_to(self._root)

    def _fail(self, location: Path, cause: str, remedy: str) -> None:
        self._failed.append(FailedFile(self._key(location), cause, remedy))

    def _skip(self, location: Path, error: UnreadFormatError) -> None:
        self._skipped.append(SkippedFile(self._key(location), error.cause, error.remedy))

    def _key(self, location: Path) -> str:
        """The document path: with "/" between folders and letters composed (NFC) on every system."""
        relative = location.relative_to(self._root).as_posix()
        shown = os.fsencode(relative).decode(errors="replace")
        return self._prefix + unicodedata.normalize("NFC", shown)


def is_passed_over(name: str) -> bool:
    """Whether a name is that of a hidden file or folder, or of a lock file of an office program."""
    return name.startswith((".", "~$"))


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
