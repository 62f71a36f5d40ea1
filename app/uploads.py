"""Files of documents: uploads, checked by name and copied into the collection's folder; what was ingested."""

import shutil
import unicodedata
from contextlib import suppress
from pathlib import Path

from knowledge_base.errors import InputError, LoadError, NotFoundError, StorageError
from knowledge_base.loaders import read, without_member
from knowledge_base.values import Document, digest_of

_LONGEST_NAME = 150


def upload_name(given: str) -> str:
    """A safe file name from what a browser sent: its last part, without signs that mean something to a shell.

    Raises InputError if nothing usable is left.
    """
    last = unicodedata.normalize("NFC", given).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(char for char in last if char.isprintable() and char not in '<>:"|?*').strip(". ")
    if not name or len(name) > _LONGEST_NAME:
        raise InputError(
            f"{given[:200]!r} cannot be used as a file name.",
            f"Rename the file: letters, digits, spaces and signs, at most {_LONGEST_NAME} characters.",
        )
    return name


def remove_member(archive: Path, member: str) -> None:
    """Take a file out of an uploaded archive, and the archive away when nothing is left in it."""
    try:
        rest = without_member(archive.read_bytes(), member)
        if rest:
            partial = archive.with_name(f".{archive.name}.partial")
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


def keep_upload(file: Path, folder: Path, *, move: bool = False) -> Path:
    """Copy or move `file` into `folder` under its safe name, in place of one of the same name.

    It is renamed into place when it is whole, so a full disk leaves the old one as it was.
    """
    target = folder / upload_name(file.name)
    partial = target.with_name(f".{target.name}.partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (shutil.move if move else shutil.copyfile)(file, partial)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise StorageError(
            f"The upload {target.name} cannot be kept in {folder}: {error.strerror}.",
            "Check free space and permissions of the home folder, then upload again.",
        ) from error
    return target


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
