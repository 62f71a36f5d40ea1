"""Writes files that a kill or a power failure cannot leave incomplete, and keeps results in folders."""

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from knowledge_base.errors import ModelError, StorageError
from retrieval.storage import translate_errors

T = TypeVar("T")
_BLOCK = 1 << 22


def write_whole(file: Path, text: str) -> None:
    """Give `file` this text in one step: who reads it sees the old text or the new one; raises OSError."""
    fresh = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        fresh.write_text(text, encoding="utf-8")
        flush(fresh)
        fresh.replace(file)
        flush(file.parent)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def append_json(file: Path, value: Mapping[str, object]) -> None:
    """Add a line of JSON; it is on the disk when this returns. Raises OSError."""
    with file.open("a", encoding="utf-8", errors="backslashreplace") as opened:
        # The line break comes first, so that nothing is glued to a line that a kill cut short.
        opened.write("\n" + json.dumps(value, ensure_ascii=False))
        opened.flush()
        os.fsync(opened.fileno())


def json_lines(text: str) -> Iterator[Any]:
    """The values of lines of JSON, without those that are empty or cut short."""
    for line in text.split("\n"):
        try:
            yield json.loads(line)
        except ValueError:
            continue


def copy_file(source: Path, target: Path) -> str:
    """Copy the contents of a file and bring them to the disk; returns their SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(_BLOCK):
            digest.update(block)
            write.write(block)
    flush(target)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Bring a file's contents, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def model_digest(folder: Path) -> str:
    """The identity of a base model or adapter: SHA-256 over its *.safetensors, in hexadecimal.

    They are read one after the other by name, as by `cat *.safetensors | sha256sum`; manifests of adapters
    hold it. About a second for each gigabyte. Raises ModelError if the folder holds no such file or it cannot
    be read.
    """
    digest = hashlib.sha256()
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise ModelError(
            f"The model folder {folder} holds no weights (*.safetensors).",
            "Copy the folder again, or convert older .bin weights to safetensors.",
        )
    try:
        for path in files:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
    except OSError as error:
        raise ModelError(
            f"The weights in {folder} cannot be read: {error.strerror}.", "Make them readable."
        ) from error
    return digest.hexdigest()


class ResultFolder:
    """Results by name, one JSON file each; a result that is there is not computed again.

    Of several processes that work together only one keeps what it computes; the others just read.
    """

    def __init__(self, path: Path, keeps: bool = True) -> None:
        self.path = path
        self.keeps = keeps

    def once(self, name: str, kind: type[T], compute: Callable[[], T]) -> T:
        """The stored result of that name, or what `compute` gives, stored."""
        found = self.load(name, kind)
        if found is None:
            found = compute()
            self.store(name, found)
        return found

    def load(self, name: str, kind: type[T]) -> T | None:
        """A stored result; None if it is not there or cannot be read, so that it is made again."""
        try:
            adapter = _adapter(kind)  # type: ignore[arg-type]
            found: T = adapter.validate_json(self._file(name).read_bytes())
        except (OSError, ValidationError):
            return None
        return found

    def store(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Write a result, a dataclass or model, whole; StorageError if there is no room."""
        body = _adapter(type(value)).dump_json(value, indent=1)  # type: ignore[arg-type]
        self.write(self._file(name).name, body.decode() + "\n")

    def remove(self, name: str) -> None:
        """Forget a result, if it is there; StorageError if that is not allowed."""
        with translate_errors(self.path):
            self._file(name).unlink(missing_ok=True)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder, whole; StorageError if there is no room."""
        file = self.path / name
        if not self.keeps:
            return file
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(file, text)
        except OSError as error:
            raise StorageError(
                f"{file} cannot be written: {error}.",
                "Free some disk space and run the command again: it continues where it stopped.",
            ) from error
        return file

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.json"


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type
    """Made once for each kind, which takes longer than to read a small file."""
    return TypeAdapter(kind)
