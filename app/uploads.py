"""Files of documents: uploads, checked by name and copied into the collection's folder; what was ingested."""

import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from knowledge_base.errors import InputError, LoadError, NotFoundError, StorageError
from knowledge_base.ingest import Report
from knowledge_base.loaders import read, without_member
from knowledge_base.notes import Note
from knowledge_base.values import Document, digest_of

_MOST_BYTES = 200  # file systems take 255; the rest is for the name while it is written
_LONGEST_SUFFIX = 12
_PARTIAL = ".partial"


def upload_name(given: str) -> str:
    """A safe file name from what a browser sent: its last part, without signs that mean something to a shell.

    A name that had to be changed, or that is too long for a file system, gets a mark of its own, the same
    each time: names that only look alike do not take each other's place. InputError if nothing is left.
    """
    last = _last_part(given)
    normal = unicodedata.normalize("NFC", last)
    name = "".join(char for char in normal if char.isprintable() and char not in '<>:"|?*').strip(". ")
    if not name:
        raise InputError(
            f"{given[:200]!r} cannot be used as a file name.", "Rename the file: letters, digits and signs."
        )
    is_long = len(name.encode()) > _MOST_BYTES
    return _marked(name, last) if is_long or name != last else name


def upload_names(given: Sequence[str]) -> list[str]:
    """A safe name for each file of one upload, no two alike."""
    names: list[str] = []
    for number, one in enumerate(given):
        name = upload_name(one)
        names.append(_marked(name, f"{one}/{number}") if name in names else name)
    return names


def noting_names(report: Report, given: Mapping[str, str]) -> Report:
    """The report, in which each document says the name it was uploaded under; `given` by the name it has."""
    notes = dict(report.notes)
    for name, before in given.items():
        path = f"uploads/{name}"
        if name != _last_part(before) and path in {*report.added, *report.changed}:
            notes[path] = (*notes.get(path, ()), Note("renamed", name=before))
    return replace(report, notes=notes)


def _last_part(given: str) -> str:
    return given.replace("\\", "/").rsplit("/", 1)[-1]


def _marked(name: str, told: str) -> str:
    """The name with a few digits that tell `told` from others, cut to what file systems take."""
    mark = f"~{digest_of(told.encode(errors='surrogatepass'))[:6]}"
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    room = _MOST_BYTES - len(f"{mark}{dot}{suffix}".encode())
    return f"{stem.encode()[:room].decode(errors='ignore').rstrip()}{mark}{dot}{suffix}"


def remove_member(archive: Path, member: str) -> None:
    """Take a file out of an uploaded archive, and the archive away when nothing is left in it."""
    try:
        rest = without_member(archive.read_bytes(), member)
        if rest:
            partial = archive.with_name(f".{archive.name}{_PARTIAL}")
            partial.write_bytes(rest)
            partial.replace(archive)
        else:
            archive.unlink(missing_ok=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(
            f"The upload {archive.name} cannot be changed in {archive.parent}: {error.strerror}.",
            "Check free space and permissions of the home folder, then try again.",
        ) from error


def drop_upload(folder: Path, path: str) -> None:
    """Remove the uploaded file of the document `path`, or the member of the archive that was uploaded."""
    name, _, member = path.removeprefix("uploads/").partition("/")
    if member:
        remove_member(folder / name, member)
    else:
        (folder / name).unlink(missing_ok=True)


def keep_uploads(files: Sequence[Path], folder: Path, *, move: bool = False) -> dict[str, str]:
    """Copy or move files into `folder` under safe names, each in place of one of the same name.

    Each is renamed into place when it is whole, so a full disk leaves the old one as it was. Call with the
    collection held: what a killed process left is removed. Returns the given names by those that were kept.
    """
    kept = dict(zip(upload_names([file.name for file in files]), files, strict=True))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f".*{_PARTIAL}"):
            left.unlink()
    except OSError as error:
        raise _not_kept(folder, "its folder", error) from error
    for name, file in kept.items():
        partial = folder / f".{name}{_PARTIAL}"
        try:
            (shutil.move if move else shutil.copyfile)(file, partial)
            partial.replace(folder / name)
        except OSError as error:
            with suppress(OSError):
                partial.unlink()
            raise _not_kept(folder, name, error) from error
    return {name: file.name for name, file in kept.items()}


def _not_kept(folder: Path, name: str, error: OSError) -> StorageError:
    return StorageError(
        f"The upload {name} cannot be kept in {folder}: {error.strerror}.",
        "Check free space and permissions of the home folder, then upload again.",
    )


def ingested_file(document: Document, max_bytes: int) -> bytes:
    """The file that a document was made from; its digest tells whether it is still the same."""
    prefix = "uploads/" if document.path.startswith("uploads/") else ""
    location = Path(document.source) / document.path.removeprefix(prefix)
    archive = next((above for above in location.parents if above.is_file()), None)
    data = b""
    with suppress(LoadError):
        member = location.relative_to(archive).as_posix() if archive else ""
        data = read(archive or location, max_bytes, member)
    if digest_of(data) != document.digest:
        raise NotFoundError(
            f"The file of {document.path} is no longer in {document.source} as it was ingested.",
            "Ingest the folder again to see its pages.",
        )
    return data
