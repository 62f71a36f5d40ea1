"""Writes one state of a collection into an archive, wherever it is kept."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

import numpy as np

from knowledge_base.errors import InputError, StorageError
from retrieval.archive.layout import (
    DOCUMENTS,
    FORMAT,
    MANIFEST,
    UPLOADS,
    VECTORS,
    Manifest,
    Member,
    OnStep,
    quietly,
)
from retrieval.collections import Collections, Reading, program_version

_CHUNK = 1 << 20


class _Archive:
    """A zip file that is being written, and what is in it so far."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._opened = opened
        self.files: dict[str, Member] = {}

    def add(self, name: str, pieces: Iterable[bytes], *, is_compressed: bool) -> None:
        """Write a file piece by piece."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if is_compressed else zipfile.ZIP_STORED
        digest, size = hashlib.sha256(), 0
        with self._opened.open(info, "w", force_zip64=True) as sink:
            for piece in pieces:
                sink.write(piece)
                digest.update(piece)
                size += len(piece)
        self.files[name] = Member(bytes=size, sha256=digest.hexdigest())


def export_collection(collections: Collections, name: str, file: Path, told: OnStep = quietly) -> Manifest:
    """Write a collection into a new archive, with its vectors and uploaded files; returns what it holds.

    The file appears when it is complete.

    Raises:
        InputError: the file exists already.
        NotFoundError: there is no such collection.
        StorageError: the file cannot be written.
    """
    if file.exists():
        raise InputError(f"{file} exists already.", "Name a file that does not, or remove it.")
    uploads = collections.uploads_folder(name)
    with (
        collections.reading(name) as reading,
        _appearing(file) as partial,
        zipfile.ZipFile(partial, "w") as opened,
    ):
        return _write(_Archive(opened), name, reading, uploads, told)


def _write(archive: _Archive, name: str, reading: Reading, uploads: Path, told: OnStep) -> Manifest:
    catalogue = reading.catalogue()
    passages = sum(entry.passages for entry in catalogue.values())
    with tempfile.TemporaryFile() as vectors:
        header = {"descr": "<f4", "fortran_order": False, "shape": (passages, reading.fingerprint.dimension)}
        np.lib.format.write_array_header_1_0(vectors, header)
        archive.add(DOCUMENTS, _documents(reading, len(catalogue), vectors, told), is_compressed=True)
        vectors.seek(0)
        archive.add(VECTORS, _pieces(vectors), is_compressed=False)
    for upload in sorted(uploads.glob("[!.]*")) if uploads.is_dir() else ():
        with upload.open("rb") as source:
            archive.add(UPLOADS + upload.name, _pieces(source), is_compressed=True)
    manifest = Manifest(
        format=FORMAT,
        program=program_version(),
        collection=name,
        **asdict(reading.fingerprint),
        documents=len(catalogue),
        passages=passages,
        files=dict(archive.files),
    )
    archive.add(MANIFEST, [manifest.model_dump_json(indent=1).encode()], is_compressed=True)
    return manifest


def _documents(reading: Reading, total: int, vectors: IO[bytes], told: OnStep) -> Iterator[bytes]:
    """Lines of JSON, one for each document; its vectors are put beside them."""
    for done, (document, rows) in enumerate(reading.everything()):
        told("Documents", done, total)
        vectors.write(rows.astype("<f4").tobytes())
        yield json.dumps(asdict(document), ensure_ascii=False).encode() + b"\n"


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    while piece := source.read(_CHUNK):
        yield piece


@contextmanager
def _appearing(file: Path) -> Iterator[Path]:
    """A name to write to; the file gets its own name when the block has succeeded."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        yield partial
        partial.replace(file)
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror}.", "Check free space and rights of its folder."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
