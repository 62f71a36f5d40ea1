"""The registry of adapters: immutable versions in a folder, and aliases that say which one answers.

A version is the folder NAME/versions/0001/; NAME/ itself may be a plain PEFT folder. NAME/aliases.json names
the live version, one small file that is swapped in one step.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from answering.references import BASE, Alias, Reference, Selector, check_name, is_name, parse_reference
from finetune import files
from finetune.registry.entry import Entry, description_of, verify
from finetune.registry.manifest import (
    FILE_NAME,
    Description,
    Number,
    carried_manifest,
    manifest_of,
    read_manifest,
    write_manifest,
)
from finetune.registry.peft_folder import CONFIG, WEIGHTS, check_folder, files_of
from knowledge_base.errors import BusyError, InputError, NotFoundError, StorageError
from knowledge_base.values import file_digest
from retrieval.storage import translate_errors

NOTICE = "NOTICE"

_LOCK = ".lock"
_ALIASES = "aliases.json"
_NUMBER = re.compile(r"\d{4,9}")
# Before the name of a version's folder while it is written, and until it is deleted.
_PARTIAL, _REMOVED = ".partial-", ".removed-"


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


class Registry:
    """Adapters in `folder`, laid over those in `shipped`, which is only read and has the same versions.

    A version in `folder` hides the shipped one of its number, and its aliases hide the shipped ones: a
    shipped adapter is retrained, promoted and rolled back like any other. Reading takes no lock and sees
    complete versions only.

    Writers wait for each other, at most `wait_seconds`. Every method that writes raises BusyError if another
    process is still writing then, and StorageError if the disk is full or the folder cannot be written; what
    was there before is there still. `before_promotion` is called with a version before it
    becomes live; its error prevents that.
    """

    def __init__(
        self,
        folder: Path,
        shipped: Path | None = None,
        wait_seconds: float = 60.0,
        before_promotion: Callable[[Entry], object] | None = None,
    ) -> None:
        self.folder = folder
        self._shipped = shipped
        self._wait_seconds = wait_seconds
        self._before_promotion = before_promotion

    def names(self) -> list[str]:
        """Every name under which there is a version, or a plain PEFT folder."""
        with translate_errors(self.folder):
            return sorted(set().union(*map(_names_in, self._places)))

    def serves(self, name: str) -> bool:
        """Whether the bare name means an adapter: one of its versions is live, or it is a plain folder."""
        return is_name(name) and (self.aliases(name).live is not None or self._plain(name) is not None)

    def live_names(self) -> list[str]:
        """The names that should answer, also those whose live version, or the file that names it, is lost."""
        with translate_errors(self.folder):
            folders = [folder for place in self._places if place.is_dir() for folder in place.iterdir()]
        return sorted({folder.name for folder in folders if self._should_serve(folder.name)})

    def shipped_names(self) -> list[str]:
        """The names of adapters that were shipped."""
        return sorted(_names_in(self._shipped)) if self._shipped else []

    def versions(self, name: str) -> list[int]:
        """The numbers of all versions, ascending; whether one is damaged is seen when it is got."""
        with translate_errors(self.folder):
            return sorted(self._numbered(name))

    def next_version(self, name: str) -> int:
        """The number that a version registered now would get; another process may be quicker."""
        folders = (_folders(place, name) for place in self._places)
        return max([0, self.aliases(name).last, *(number for found in folders for number in found)]) + 1

    def aliases(self, name: str) -> Aliases:
        """Which version is live and which was before; StorageError if the file is damaged."""
        found = (_read_aliases(place / name / _ALIASES) for place in self._places)
        return next((aliases for aliases in found if aliases is not None), Aliases())

    def find(self, text: str) -> Entry:
        """What "bank", "bank@3" or "bank@previous" means; see `get`. InputError for other texts."""
        reference = parse_reference(text)
        return self.get(reference.name, reference.version)

    def get(self, name: str, version: Selector = "live") -> Entry:
        """A version by its number or alias; a plain folder by its bare name, if no version of it is live.

        Raises:
            NotFoundError: there is none; lists those that there are.
            ModelError: it is damaged.
            MismatchError: a newer program registered it.
        """
        number = version if isinstance(version, int) else self.aliases(name).number(version)
        plain = self._plain(name)
        if number is None and version == "live" and plain is not None:
            return Entry(name, None, plain, carried_manifest(plain))
        folder = self._numbered(name).get(number) if number else None
        if folder is None:
            raise self._unknown(Reference(name, number or version))
        return Entry(name, number, folder, read_manifest(folder))

    def register(self, name: str, folder: Path, description: Description | None = None) -> int:
        """Copy an adapter's files into a new version, and return its number.

        Subfolders, hidden files and pickles stay behind; notices of the description become the file NOTICE if
        there is none. However this ends, also by a kill, the version is there as a whole or not at all.
        Raises ModelError if the folder is no LoRA adapter, InputError for a name that no adapter can have.
        """
        check_name(name)
        check_folder(folder)
        with self._writing(name):
            number = self.next_version(name)
            partial = _version_folder(self.folder, name, number, _PARTIAL)
            partial.mkdir(parents=True)
            _fill(partial, folder, description or Description(), name, number)
            partial.rename(_version_folder(self.folder, name, number))
            for place in (partial.parent, self.folder / name, self.folder):
                files.flush(place)
        return number

    def import_folder(self, name: str, folder: Path) -> int:
        """Register any PEFT folder, with what it says of itself; see `register` and `description_of`."""
        check_name(name)
        return self.register(name, folder, description_of(folder))

    def promote(self, name: str, version: int) -> Aliases:
        """Make a version live, once its files are verified; the one that was live becomes `previous`.

        Raises NotFoundError if there is no such version, ModelError if it is damaged, and whatever
        `before_promotion` does.
        """
        with self._writing(name):
            entry = self.get(name, version)
            verify(entry)
            if self._before_promotion:
                self._before_promotion(entry)
            return self._swap(name, self.aliases(name).promoted(version))

    def rollback(self, name: str) -> Aliases:
        """Exchange live and previous; where that leaves no version live, the base model answers again.

        Raises NotFoundError if no version was ever promoted, ModelError if the previous one is damaged.
        """
        with self._writing(name):
            aliases = self.aliases(name).rolled_back()
            if aliases.live is None and aliases.previous is None:
                raise self._unknown(Reference(name, "previous"))
            if aliases.live is not None:
                verify(self.get(name, aliases.live))
            return self._swap(name, aliases)

    def remove(self, name: str, version: int) -> None:
        """Delete a version; its number is never given again.

        Raises NotFoundError if there is no such version, InputError if it is live or shipped.
        """
        with self._writing(name):
            self._check_removable(name, version)
            self._swap(name, self.aliases(name).without(version))
            folder = _version_folder(self.folder, name, version)
            folder.rename(_version_folder(self.folder, name, version, _REMOVED))

    @property
    def _places(self) -> list[Path]:
        return [self.folder] if self._shipped is None else [self.folder, self._shipped]

    def _should_serve(self, name: str) -> bool:
        try:
            return self.serves(name)
        except StorageError:
            return True

    def _numbered(self, name: str) -> dict[int, Path]:
        merged: dict[int, Path] = {}
        for place in reversed(self._places):
            merged |= _complete(place, name)
        return merged

    def _plain(self, name: str) -> Path | None:
        """A PEFT folder that somebody put directly under the name."""
        return next((place / name for place in self._places if _is_plain(place / name)), None)

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """The only writer; what a killed one left of this adapter is swept away first."""
        with translate_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._locked():
                self._sweep(name)
                try:
                    yield
                finally:
                    self._sweep(name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.folder / _LOCK, timeout=self._wait_seconds)
        try:
            lock.acquire()
        except Timeout as error:
            raise BusyError(
                f"Another process is changing the adapters in {self.folder}.",
                "Wait until it has finished, then run the command again.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _sweep(self, name: str) -> None:
        """Delete what killed processes left of versions that they registered or removed."""
        versions = self.folder / name / "versions"
        for left in (*versions.glob(f"{_PARTIAL}*"), *versions.glob(f"{_REMOVED}*")):
            shutil.rmtree(left, ignore_errors=True)

    def _swap(self, name: str, aliases: Aliases) -> Aliases:
        (self.folder / name).mkdir(exist_ok=True)
        files.write_whole(self.folder / name / _ALIASES, aliases.model_dump_json() + "\n")
        return aliases

    def _check_removable(self, name: str, version: int) -> None:
        if version not in self._numbered(name):
            raise self._unknown(Reference(name, version))
        if version not in _complete(self.folder, name):
            raise InputError(
                f"The adapter {name}@{version} came with domainqa and cannot be removed.",
                f"If it must not answer, roll back: domainqa adapters rollback {name}",
            )
        if version == self.aliases(name).live:
            raise InputError(
                f"The adapter {name}@{version} is live.",
                f"Promote another version first, or roll back: domainqa adapters rollback {name}",
            )

    def _unknown(self, reference: Reference) -> NotFoundError:
        name, version = reference.name, reference.version
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            return NotFoundError(
                f"There is no adapter {name}; there is: {known}.",
                f'Choose one of these, or "{BASE}", the model without an adapter.',
            )
        known = ", ".join(map(str, self.versions(name))) or "none, only a folder without versions"
        missing = f"There is no version {version} of the adapter {name}"
        if isinstance(version, str):
            missing = f"No version of the adapter {name} is {version}"
        return NotFoundError(
            f"{missing}; there is: {known}.",
            f"Name one of these as {name}@NUMBER; `domainqa adapters promote` makes it live.",
        )


def _read_aliases(file: Path) -> Aliases | None:
    """The aliases in a file, None if none were ever written; StorageError if damaged."""
    try:
        return Aliases.model_validate_json(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError as error:
        raise StorageError(
            f"{file} is damaged ({str(error).splitlines()[0]}).",
            "Delete that one file, then promote a version: domainqa adapters promote NAME@VERSION.",
        ) from error
    except OSError as error:
        raise StorageError(f"{file} cannot be read: {error.strerror}.", "Make it readable.") from error


def _version_folder(folder: Path, name: str, number: int, prefix: str = "") -> Path:
    return folder / name / "versions" / f"{prefix}{number:04d}"


def _folders(folder: Path, name: str) -> dict[int, Path]:
    """Every folder that is named like a version, by its number, complete or not."""
    found = (folder / name / "versions").glob("*")
    return {int(place.name): place for place in sorted(found) if _NUMBER.fullmatch(place.name)}


def _complete(folder: Path, name: str) -> dict[int, Path]:
    """The folders of versions by number; one without a manifest is no version."""
    found = _folders(folder, name)
    return {number: place for number, place in found.items() if (place / FILE_NAME).is_file()}


def _is_plain(folder: Path) -> bool:
    return (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file()


def _names_in(folder: Path) -> set[str]:
    """The names of all adapters in a folder."""
    places = folder.iterdir() if folder.is_dir() else ()
    return {p.name for p in places if is_name(p.name) and (_is_plain(p) or _complete(folder, p.name))}


def _fill(partial: Path, folder: Path, description: Description, name: str, number: int) -> None:
    """Put a version together; its manifest comes last."""
    digests = {file.name: files.copy_file(file, partial / file.name) for file in files_of(folder)}
    digests.pop(FILE_NAME, None)  # the one of an exported folder
    if description.notices and NOTICE not in digests:
        files.write_whole(partial / NOTICE, "\n\n".join(description.notices) + "\n")
        digests[NOTICE] = file_digest(partial / NOTICE)
    write_manifest(partial, manifest_of(description, name, number, digests))
