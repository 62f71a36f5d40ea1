"""Where adapters lie, NAME/versions/0001/ or a plain PEFT folder NAME/, and which version is live.

NAME/aliases.json says that: one small file, swapped in one step.
"""

import json
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from answering.references import Alias, is_name
from finetune.files import write_whole
from finetune.registry.manifest import FILE_NAME, Number
from finetune.registry.peft_folder import CONFIG, WEIGHTS
from knowledge_base.errors import StorageError

VERSIONS = "versions"

_NUMBER = re.compile(r"\d{4,9}")
PARTIAL = ".partial-"
REMOVED = ".removed-"
ALIASES = "aliases.json"


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
    file = folder / ALIASES
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
    write_whole(folder / ALIASES, aliases.model_dump_json() + "\n")


def version_folder(folder: Path, name: str, number: int, prefix: str = "") -> Path:
    """The folder of a version; with PARTIAL while it is written, with REMOVED until it is deleted."""
    return folder / name / VERSIONS / f"{prefix}{number:04d}"


def leftovers(folder: Path, name: str) -> list[Path]:
    """What killed processes left of versions that they registered or removed."""
    versions = folder / name / VERSIONS
    return [*versions.glob(f"{PARTIAL}*"), *versions.glob(f"{REMOVED}*")]


def numbered(folder: Path, name: str) -> dict[int, Path]:
    """The folders of the complete versions, by number; one without a manifest is no version."""
    found = (folder / name / VERSIONS).glob(f"*/{FILE_NAME}")
    complete = [file.parent for file in found if _NUMBER.fullmatch(file.parent.name)]
    return {int(version.name): version for version in sorted(complete)}


def occupied(folder: Path, name: str) -> list[int]:
    """Every number that a folder has, complete or not."""
    places = (folder / name / VERSIONS).glob("*")
    return [int(place.name) for place in places if _NUMBER.fullmatch(place.name)]


def plain_folder(folder: Path, name: str) -> Path | None:
    """A PEFT folder that somebody put directly under the name, None if there is none."""
    plain = folder / name
    return plain if (plain / CONFIG).is_file() and (plain / WEIGHTS).is_file() else None


def names_in(folder: Path) -> set[str]:
    """The names under which anything lies."""
    if not folder.is_dir():
        return set()
    return {
        place.name
        for place in folder.iterdir()
        if is_name(place.name) and (numbered(folder, place.name) or plain_folder(folder, place.name))
    }
