"""An archive that has been read from end to end and found to be as it was written."""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from knowledge_base.errors import InputError, MismatchError
from knowledge_base.values import Document
from retrieval.archive.layout import DOCUMENTS, FORMAT, MANIFEST, UPLOADS, VECTORS, Manifest, OnStep, damaged
from retrieval.values import Vectors

_CHUNK = 1 << 20
_LARGEST_MANIFEST = 50_000_000
_DOCUMENT = TypeAdapter(Document)


class CheckedArchive:
    """An open archive whose files have the sizes and digests that its manifest names.

    Raises InputError if it is damaged, MismatchError if a newer program wrote it.
    """

    def __init__(self, opened: zipfile.ZipFile, told: OnStep) -> None:
        self._opened = opened
        self.manifest = _manifest(opened)
        self._check_names()
        for done, name in enumerate(self.manifest.files):
            told("Checking", done, len(self.manifest.files))
            self._check(name)

    def documents(self) -> Iterator[Document]:
        """Every document, in the order of its vectors."""
        found = 0
        with self._opened.open(DOCUMENTS) as lines:
            for line in lines:
                found += 1
                try:
                    yield _DOCUMENT.validate_json(line)
                except ValidationError as error:
                    raise damaged(f"line {found} of {DOCUMENTS} is no document") from error
        if found != self.manifest.documents:
            raise damaged(f"it has {found} documents instead of {self.manifest.documents}")

    def vectors(self, folder: Path) -> Vectors:
        """The vectors [passages, dimension], mapped from a file that is put into `folder`."""
        file = folder / VECTORS
        self._copy(VECTORS, file)
        try:
            vectors: Vectors = np.load(file, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise damaged(f"{VECTORS} cannot be read") from error
        wanted = (self.manifest.passages, self.manifest.dimension)
        if vectors.shape != wanted or vectors.dtype != np.dtype("<f4"):
            raise damaged(f"{VECTORS} holds {vectors.dtype} {vectors.shape}, not {wanted}")
        return vectors

    def copy_uploads(self, folder: Path) -> None:
        """Put the uploaded files into a folder, made if need be."""
        for name in self.manifest.files:
            if name.startswith(UPLOADS):
                folder.mkdir(parents=True, exist_ok=True)
                self._copy(name, folder / name.removeprefix(UPLOADS))

    def _check_names(self) -> None:
        names = self._opened.namelist()
        if sorted(names) != sorted([*self.manifest.files, MANIFEST]):
            raise damaged("its files are not those that its manifest names")
        for name in names:
            if name not in (MANIFEST, DOCUMENTS, VECTORS) and not _is_upload(name):
                raise damaged(f"{name!r} does not belong into it")
        if not {DOCUMENTS, VECTORS} <= set(names):
            raise damaged("documents or vectors are missing")

    def _check(self, name: str) -> None:
        wanted = self.manifest.files[name]
        if self._opened.getinfo(name).file_size != wanted.bytes:
            raise damaged(f"{name} has another size than its manifest says")
        digest = hashlib.sha256()
        with self._opened.open(name) as source:
            for piece in _pieces(source):
                digest.update(piece)
        if digest.hexdigest() != wanted.sha256:
            raise damaged(f"{name} has another digest than its manifest says")

    def _copy(self, name: str, target: Path) -> None:
        with self._opened.open(name) as source, target.open("wb") as sink:
            for piece in _pieces(source):
                sink.write(piece)


@contextmanager
def opened(file: Path, told: OnStep) -> Iterator[CheckedArchive]:
    """An archive, checked; nothing is believed of a file that is damaged or cut off."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield CheckedArchive(archive, told)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise damaged(str(error).rstrip(".").lower() or "it ends too early") from error
    except FileNotFoundError as error:
        if error.filename is None or Path(error.filename) != file:
            raise
        raise InputError(
            f"There is no file {file}.", "Name an archive that `collections export` wrote."
        ) from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError as error:
        raise damaged("it has no manifest, so it was never finished or is no export") from error
    if info.file_size > _LARGEST_MANIFEST:
        raise damaged("its manifest is too large")
    try:
        body: Any = json.loads(archive.read(info))
        written = body["format"]
        if isinstance(written, int) and written > FORMAT:
            raise MismatchError(
                f"The archive has format {written}; this program knows up to {FORMAT}.", "Update domainqa."
            )
        return Manifest.model_validate(body)
    except (ValueError, KeyError, TypeError) as error:
        raise damaged("its manifest cannot be read") from error


def _is_upload(name: str) -> bool:
    """Whether a name is that of one file directly in the folder of uploads."""
    parts = PurePosixPath(name).parts
    is_plain = len(parts) == len(("uploads", "name")) and "/".join(parts) == name
    return is_plain and name.startswith(UPLOADS) and not parts[1].startswith(".") and "\\" not in name


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_CHUNK):
        yield piece
