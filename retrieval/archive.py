"""A whole collection as one file: to keep it, or to move it to another machine or another backend.

The archive is a zip file: documents as lines of JSON, vectors as a NumPy file, uploaded files, and a
manifest, written last, that names the others with size and SHA-256. An archive comes from elsewhere, so its
names and sizes are checked before anything is written, and each file as it is read. It becomes a collection
in one step at the end; nothing is embedded again.
"""

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from knowledge_base.errors import InputError, MismatchError, ModelError, StorageError
from knowledge_base.values import Document
from retrieval.collections import Chunking, Collections, CollectionSnapshot, content_of, program_version
from retrieval.models import Progress, silent
from retrieval.storage import translate_errors
from retrieval.values import TextKind, Vectors

FORMAT = 1
MANIFEST, DOCUMENTS, VECTORS, UPLOADS = "manifest.json", "documents.jsonl", "vectors.npy", "uploads/"

# In a collection's folder while it is imported: the digest of the manifest.
_UNREPORTED = ".importing"
_CHUNK = 1 << 20
_LARGEST_MANIFEST = 50_000_000
_LONGEST_LINE = 500_000_000
_STORED_TOGETHER = 500  # passages
_DOCUMENT = TypeAdapter(Document)

_Count = Annotated[int, Field(ge=0)]


class Member(BaseModel):
    """A file of the archive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: _Count
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What an archive holds, and what its collection was made with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    program: str
    collection: str
    embedder: str
    digest: str
    dimension: Annotated[int, Field(ge=1, le=100_000)]
    chunking: str
    documents: _Count
    passages: _Count
    files: dict[str, Member]


def export_collection(
    collections: Collections, name: str, file: Path, on_progress: Progress = silent
) -> Manifest:
    """Write one state of a collection, its vectors and uploaded files, into a file that appears complete.

    Raises:
        InputError: the file already exists.
        NotFoundError: there is no such collection.
        StorageError: the file cannot be written.
    """
    if file.exists():
        raise InputError(f"{file} already exists.", "Choose another file name, or remove that file.")
    uploads = collections.uploads_folder(name)
    with (
        collections.reading(name) as snapshot,
        _appearing(file) as partial,
        zipfile.ZipFile(partial, "w") as archive,
        tempfile.TemporaryFile() as vectors,
    ):
        catalogue = snapshot.catalogue()
        passages = sum(entry.passages for entry in catalogue.values())
        header = {"descr": "<f4", "fortran_order": False, "shape": (passages, snapshot.fingerprint.dimension)}
        np.lib.format.write_array_header_1_0(vectors, header)
        lines = _lines(snapshot, len(catalogue), vectors, on_progress)
        files = {DOCUMENTS: _add(archive, DOCUMENTS, lines)}
        vectors.seek(0)
        files[VECTORS] = _add(archive, VECTORS, _pieces(vectors), zipfile.ZIP_STORED)
        for upload in sorted(uploads.glob("[!.]*")) if uploads.is_dir() else ():
            with upload.open("rb") as source:
                files[UPLOADS + upload.name] = _add(archive, UPLOADS + upload.name, _pieces(source))
        manifest = Manifest(
            format=FORMAT,
            program=program_version(),
            collection=name,
            **asdict(snapshot.fingerprint),
            documents=len(catalogue),
            passages=passages,
            files=files,
        )
        _add(archive, MANIFEST, [manifest.model_dump_json(indent=1).encode()])
    return manifest


def import_collection(
    collections: Collections, file: Path, name: str | None = None, on_progress: Progress = silent
) -> Manifest:
    """Make a collection of an archive, under the name it had or another; returns what it holds.

    The collection is filled in one step at the end. If that fails there is none. An import that was killed
    can be run again: it fills the empty collection, or finds that all was done.

    Raises:
        InputError: the archive is damaged, or there is a collection of that name with documents.
        MismatchError: a newer program wrote the archive.
    """
    with _opened(file) as archive:
        manifest = _manifest(archive)
        _check_names(archive, manifest)
        wanted = manifest.collection if name is None else name
        is_new = not collections.exists(wanted)
        mark = collections.uploads_folder(wanted).with_name(_UNREPORTED)
        made_of = sha256(manifest.model_dump_json().encode()).hexdigest()
        if not is_new and collections.stats(wanted).documents:
            if mark.is_file() and mark.read_text() == made_of:
                mark.unlink()  # a kill came between the last step and the report of it
                return manifest
            raise InputError(
                f"A collection named {wanted} already exists.",
                "Import under another name with --as, or delete it.",
            )
        embedder = _ArchivedVectors(manifest)
        chunking: Chunking | None = json.loads(manifest.chunking) if manifest.chunking else None
        collections.create(wanted, embedder, chunking).close()
        with translate_errors(mark):
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text(made_of)
        try:
            with collections.rebuilding(wanted, embedder, chunking) as index:
                for documents, vectors in _windows(archive, manifest, on_progress):
                    embedder.offer(documents, vectors)
                    index.add(documents)
                _copy_uploads(archive, manifest, collections.uploads_folder(wanted))
        except BaseException:
            mark.unlink(missing_ok=True)
            if is_new:
                collections.delete(wanted)
            raise
        mark.unlink()
    return manifest


class _ArchivedVectors:
    """The `Embedder` that gives the vectors that the collection's own embedder gave."""

    def __init__(self, manifest: Manifest) -> None:
        self.id = manifest.embedder
        self.digest = manifest.digest
        self.dimension = manifest.dimension
        self.max_tokens = 0
        self._rows: dict[str, Vectors] = {}

    def offer(self, documents: Sequence[Document], vectors: Vectors) -> None:
        """Know the vectors [passages, dimension] of these documents' passages, and of no others."""
        passages = [passage for document in documents for passage in document.passages]
        contents = [content_of(passage.indexed_text) for passage in passages]
        self._rows = dict(zip(contents, vectors, strict=True))

    def embed(self, texts: Sequence[str], kind: TextKind) -> Vectors:
        """The archived vectors of texts that were offered; ModelError for anything else."""
        try:
            return np.stack([self._rows[content_of(text)] for text in texts])
        except KeyError:
            raise ModelError(
                f"An archive has no vectors for a new {kind}.", "Open the collection with its embedder."
            ) from None

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Nothing is cut here, so nothing is counted."""
        return [0 for _ in texts]


@contextmanager
def _appearing(file: Path) -> Iterator[Path]:
    """A name to write to; the file gets its own name when the block has succeeded."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        yield partial
        partial.replace(file)
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror}.", "Check free space and permissions of its folder."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _add(
    archive: zipfile.ZipFile, name: str, pieces: Iterable[bytes], compression: int = zipfile.ZIP_DEFLATED
) -> Member:
    info = zipfile.ZipInfo(name)
    info.compress_type = compression
    digest, size = sha256(), 0
    with archive.open(info, "w", force_zip64=True) as sink:
        for piece in pieces:
            sink.write(piece)
            digest.update(piece)
            size += len(piece)
    return Member(bytes=size, sha256=digest.hexdigest())


def _lines(
    snapshot: CollectionSnapshot, total: int, vectors: IO[bytes], on_progress: Progress
) -> Iterator[bytes]:
    """Lines of JSON, one for each document; its vectors are put into a file of their own."""
    for done, (document, rows) in enumerate(snapshot.everything()):
        on_progress("Documents", done, total)
        vectors.write(rows.astype("<f4").tobytes())
        yield json.dumps(asdict(document), ensure_ascii=False).encode() + b"\n"


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_CHUNK):
        yield piece


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; zipfile compares the CRC-32 of every file that is read to its end."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise _damaged(str(error).rstrip(".").lower() or "it ends too early") from error
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
        raise _damaged("it has no manifest, so it was never finished or is no export") from error
    if info.file_size > _LARGEST_MANIFEST:
        raise _damaged("its manifest is too large")
    try:
        body: Any = json.loads(archive.read(info))
        written = body["format"]
        if isinstance(written, int) and written > FORMAT:
            raise MismatchError(
                f"The archive has format {written}; this program knows up to {FORMAT}.", "Update domainqa."
            )
        return Manifest.model_validate(body)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged("its manifest cannot be read") from error


def _check_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """No file but those of the manifest, in the sizes it names, and none that would be written elsewhere."""
    names = archive.namelist()
    if sorted(names) != sorted([*manifest.files, MANIFEST]):
        raise _damaged("its files are not those that its manifest names")
    if not {DOCUMENTS, VECTORS} <= set(names):
        raise _damaged("documents or vectors are missing")
    for name, member in manifest.files.items():
        if name not in (DOCUMENTS, VECTORS) and not _is_upload(name):
            raise _damaged(f"{name!r} does not belong into it")
        if archive.getinfo(name).file_size != member.bytes:
            raise _damaged(f"{name} has another size than its manifest says")


def _is_upload(name: str) -> bool:
    """Whether a name is that of one file directly in the folder of uploads."""
    parts = PurePosixPath(name).parts
    is_plain = len(parts) == len(("uploads", "name")) and "/".join(parts) == name
    return is_plain and name.startswith(UPLOADS) and not parts[1].startswith(".") and "\\" not in name


def _windows(
    archive: zipfile.ZipFile, manifest: Manifest, on_progress: Progress
) -> Iterator[tuple[list[Document], Vectors]]:
    """Some documents at a time, with the vectors [passages, dimension] of their passages."""
    with archive.open(DOCUMENTS) as lines, archive.open(VECTORS) as stream:
        _check_header(stream, manifest)
        window: list[Document] = []
        count = 0
        while line := lines.readline(_LONGEST_LINE):
            on_progress("Storing", count, manifest.documents)
            count += 1
            try:
                window.append(_DOCUMENT.validate_json(line))
            except ValidationError as error:
                raise _damaged(f"line {count} of {DOCUMENTS} is no document") from error
            if sum(len(document.passages) for document in window) >= _STORED_TOGETHER:
                yield window, _rows(stream, window, manifest)
                window = []
        if count != manifest.documents:
            raise _damaged(f"it has {count} documents instead of {manifest.documents}")
        yield window, _rows(stream, window, manifest)
        if stream.read(1):
            raise _damaged("it has more vectors than passages")


def _check_header(stream: IO[bytes], manifest: Manifest) -> None:
    try:
        np.lib.format.read_magic(stream)
        shape, is_fortran, kind = np.lib.format.read_array_header_1_0(stream)
    except ValueError as error:
        raise _damaged(f"{VECTORS} cannot be read") from error
    wanted = (manifest.passages, manifest.dimension)
    if shape != wanted or kind != np.dtype("<f4") or is_fortran:
        raise _damaged(f"{VECTORS} holds {kind} {shape}, not {wanted}")


def _rows(stream: IO[bytes], documents: Sequence[Document], manifest: Manifest) -> Vectors:
    count = sum(len(document.passages) for document in documents)
    data = stream.read(count * manifest.dimension * np.dtype("<f4").itemsize)
    rows = np.frombuffer(data, "<f4")
    if len(rows) != count * manifest.dimension:
        raise _damaged("it has more passages than vectors")
    return rows.reshape(count, manifest.dimension)


def _copy_uploads(archive: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    for name in filter(_is_upload, manifest.files):
        folder.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, (folder / name.removeprefix(UPLOADS)).open("wb") as sink:
            for piece in _pieces(source):
                sink.write(piece)


def _damaged(reason: str) -> InputError:
    """The error for an archive that is not as it was written."""
    return InputError(
        f"The archive is damaged or incomplete: {reason}.",
        "Copy it again, or export the collection again; nothing has been changed.",
    )
