"""Zip archives of documents: each member is a file of its own, also one in an archive within an archive."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from posixpath import basename, normpath

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.parts import part_blocks
from knowledge_base.notes import Note, NoteKind
from knowledge_base.values import Block, LoadedFile

_DEEPEST = 3
_MOST_MEMBERS = 5_000
_MOST_BYTES = 1_000_000_000
_MOST_RATIO = 200
_SMALL = 10_000_000  # so little does no harm, however well it was compressed
_UTF8 = 0x800
_STEP = 1 << 20
_TOO_DEEP = LoadError(
    f"Archives within archives are read to a depth of {_DEEPEST}.", "Unpack it into the folder."
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its path there ("inner.zip/b.docx"), and its content or why there is none."""

    path: str
    data: bytes = b""
    error: LoadError | None = None


def load_zip(data: bytes) -> LoadedFile:
    """Read an archive as one document, member by member: so it is read where it is attached to a mail."""
    notes: list[Note] = []
    return collected("", _blocks(data, notes), notes)


def members(data: bytes, *, max_bytes: int = _MOST_BYTES, only: str | None = None) -> Iterator[Member]:
    """The files of an archive in their order, or the one at the path `only`.

    What archives within it unpack to counts together, so that no nesting gets around the bounds.

    Raises:
        LoadError: it is no zip archive, or it unpacks to far more than it is (a zip bomb).
    """
    yield from _Unpacker(len(data), max_bytes).members(data, "", only, 1)


def without_member(data: bytes, path: str) -> bytes:
    """The archive without the file at `path`, and without what cannot be unpacked; b"" if nothing is left.

    Raises:
        LoadError: it is no zip archive, or a zip bomb.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as rest:
        for member in members(data):
            if member.error is None and member.path != path:
                rest.writestr(member.path, member.data)
        left = rest.namelist()
    return buffer.getvalue() if left else b""


class _Unpacker:
    def __init__(self, packed: int, max_bytes: int) -> None:
        self._packed = packed
        self._max_bytes = max_bytes
        self._unpacked = 0
        self._count = 0

    def members(self, data: bytes, above: str, only: str | None, depth: int) -> Iterator[Member]:
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise LoadError("The archive is damaged.", "Obtain an intact copy.") from error
        with archive:
            for entry in archive.infolist():
                path = above + _name(entry)
                if entry.is_dir() or _is_passed_over(path):
                    continue
                if only is not None and path != only and not only.startswith(f"{path}/"):
                    continue
                yield from self._member(archive, entry, path, only, depth)

    def _member(
        self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: str, only: str | None, depth: int
    ) -> Iterator[Member]:
        self._count += 1
        if self._count > _MOST_MEMBERS:
            raise LoadError(
                f"The archive contains more than {_MOST_MEMBERS:,} files.", "Unpack it into a folder."
            )
        try:
            data = self._content(archive, entry)
        except LoadError as error:
            if self._is_bomb():
                raise
            yield Member(path, error=error)
            return
        if not path.lower().endswith(".zip"):
            yield Member(path, data)
        elif depth >= _DEEPEST:
            yield Member(path, error=_TOO_DEEP)
        else:
            yield from self._inner(data, path, only, depth)

    def _inner(self, data: bytes, path: str, only: str | None, depth: int) -> Iterator[Member]:
        try:
            yield from self.members(data, f"{path}/", only, depth + 1)
        except LoadError as error:
            if self._is_bomb():
                raise
            yield Member(path, error=error)

    def _content(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        if entry.flag_bits & 1:
            raise LoadError(
                "The file in the archive is protected by a password.", "Unpack it into the folder."
            )
        pieces = []
        size = 0
        try:
            with archive.open(entry) as file:
                while piece := file.read(_STEP):
                    size += len(piece)
                    self._unpacked += len(piece)
                    self._refuse(size)
                    pieces.append(piece)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
        ) as error:
            raise LoadError(
                "The file cannot be unpacked.", "Obtain an intact copy of the archive."
            ) from error
        return b"".join(pieces)

    def _refuse(self, size: int) -> None:
        if self._is_bomb():
            raise LoadError(
                "The archive unpacks to far more than its size (a zip bomb).",
                "Do not open it unless you know where it comes from.",
            )
        if size > self._max_bytes:
            raise LoadError(
                f"The file is larger than {self._max_bytes / 1e6:,.0f} MB.",
                "Split it, or raise max_file_megabytes in the settings.",
            )

    def _is_bomb(self) -> bool:
        most = _MOST_RATIO * self._packed
        return self._unpacked > _MOST_BYTES or (self._unpacked > _SMALL and self._unpacked > most)


def _blocks(data: bytes, notes: list[Note]) -> Iterator[Block]:
    for member in members(data):
        if member.error is not None:
            kind: NoteKind = "part_nested" if member.error is _TOO_DEEP else "part_damaged"
            notes.append(Note(kind, name=member.path))
        else:
            yield from part_blocks(member.path, member.data, notes)


def _name(entry: zipfile.ZipInfo) -> str:
    """A member's path. Without a mark for UTF-8 it is in the packer's code page, often a Chinese one."""
    name = entry.filename
    if not entry.flag_bits & _UTF8:
        try:
            raw = name.encode("cp437")
            name = raw.decode() if _is_utf8(raw) else raw.decode("gb18030")
        except (UnicodeEncodeError, UnicodeDecodeError):
            name = entry.filename
    return normpath("/" + name.replace("\\", "/")).lstrip("/")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_passed_over(path: str) -> bool:
    name = basename(path)
    return not name or name.startswith((".", "~$")) or "__MACOSX/" in path or "/." in f"/{path}"
