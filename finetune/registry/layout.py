"""Where adapters lie: NAME/versions/0001/, NAME/aliases.json, or a plain PEFT folder NAME/."""

import re
from pathlib import Path

from answering.references import is_name
from finetune.registry.manifest import FILE_NAME
from finetune.registry.peft_folder import CONFIG, WEIGHTS

VERSIONS = "versions"

_NUMBER = re.compile(r"\d{4,9}")
_PARTIAL = ".partial-"
_REMOVED = ".removed-"


def version_folder(folder: Path, name: str, number: int) -> Path:
    """Where that version lies, or will lie."""
    return folder / name / VERSIONS / f"{number:04d}"


def partial_folder(folder: Path, name: str, number: int) -> Path:
    """Where a version is put together before it becomes visible."""
    return folder / name / VERSIONS / f"{_PARTIAL}{number:04d}"


def removed_folder(folder: Path, name: str, number: int) -> Path:
    """Where a removed version waits to be deleted."""
    return folder / name / VERSIONS / f"{_REMOVED}{number:04d}"


def leftovers(folder: Path, name: str) -> list[Path]:
    """What killed processes left of versions that they registered or removed."""
    versions = folder / name / VERSIONS
    return [*versions.glob(f"{_PARTIAL}*"), *versions.glob(f"{_REMOVED}*")]


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
