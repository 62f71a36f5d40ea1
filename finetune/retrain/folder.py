"""The folder of one retraining: what each step made, so that a killed one goes on at the step it was in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from finetune.registry.durable import write_whole
from knowledge_base.errors import StorageError
from retrieval.storage import translate_errors

T = TypeVar("T")
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


class RunFolder:
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
            return _adapter(kind).validate_json(self._file(name).read_bytes())
        except (OSError, ValidationError):
            return None

    def store(self, name: str, value: Any) -> None:  # noqa: ANN401 - any dataclass
        """Write a result, whole; StorageError if there is no room."""
        body = _adapter(type(value)).dump_json(value, indent=1)
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
                "Make room on the disk and run the command again: it goes on where it stopped.",
            ) from error
        return file

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.json"


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    """Made once for each kind, which takes longer than to read a small file."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
