"""Which version of an adapter is live, and which was before: one small file, swapped in one step."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from answering.references import Alias
from finetune.registry.durable import write_whole
from finetune.registry.manifest import Number
from knowledge_base.errors import StorageError

FILE_NAME = "aliases.json"


class Aliases(BaseModel):
    """Version numbers; None is no adapter, so the base model.

    `last` is the highest number of a version that was removed: numbers are never given twice, since answers
    and feedback name them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    live: Number | None = None
    previous: Number | None = None
    last: int = 0

    def number(self, alias: Alias) -> int | None:
        """The version that an alias means."""
        return self.live if alias == "live" else self.previous

    def promoted(self, version: int) -> "Aliases":
        """The same with `version` live; what is live already stays as it is."""
        if version == self.live:
            return self
        return self.model_copy(update={"live": version, "previous": self.live})

    def rolled_back(self) -> "Aliases":
        """Live and previous exchanged."""
        return self.model_copy(update={"live": self.previous, "previous": self.live})

    def without(self, version: int) -> "Aliases":
        """What is left when `version`, which is not live, is removed."""
        previous = None if self.previous == version else self.previous
        return self.model_copy(update={"previous": previous, "last": max(self.last, version)})


def read_aliases(folder: Path) -> Aliases | None:
    """The aliases in an adapter's folder, None if none were ever written; StorageError if damaged."""
    file = folder / FILE_NAME
    try:
        return Aliases.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValidationError, ValueError) as error:
        raise StorageError(
            f"{file} is damaged ({str(error).splitlines()[0]}).",
            "Delete that one file, then promote a version: domainqa adapters promote NAME@VERSION.",
        ) from error
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}.", "Make it readable.") from error


def write_aliases(folder: Path, aliases: Aliases) -> None:
    """Swap the file; raises OSError."""
    write_whole(folder / FILE_NAME, aliases.model_dump_json() + "\n")
