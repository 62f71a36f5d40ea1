"""Which files of pairs somebody means, and what tells their contents apart."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from knowledge_base.errors import InputError
from knowledge_base.values import file_digest
from retrieval.storage import translate_errors

# The stored file that generation adds to.
GENERATED = "generated"
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv")


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files that are meant, in order; a folder means those in it whose names end like files of pairs.

    Raises InputError for a path that is not there and for a folder without such files.
    """
    return list(dict.fromkeys(file for path in paths for file in _meant(path)))


def digest_of_files(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of files, in hexadecimal."""
    digest = hashlib.sha256()
    for file in files:
        with translate_errors(file):
            digest.update(f"{file.name}\0{file_digest(file)}\0".encode(errors="replace"))
    return digest.hexdigest()


def _meant(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"There is no file or folder {path}.", "Check the path.")
    found = sorted(file for file in path.iterdir() if file.is_file() and file.suffix.lower() in SUFFIXES)
    if not found:
        endings = ", ".join(SUFFIXES)
        raise InputError(f"The folder {path} holds no file of pairs ({endings}).", "Name the files singly.")
    return found
