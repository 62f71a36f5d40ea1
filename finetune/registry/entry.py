"""One registered version of an adapter: whether it is whole, whether it fits, and how it is exported."""

import shutil
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from answering.references import Reference
from finetune import files
from finetune.registry.manifest import Base, Description, Manifest, carried_manifest
from finetune.registry.peft_folder import CONFIG, WEIGHTS, check_folder, files_of
from knowledge_base.errors import InputError, MismatchError, ModelError
from knowledge_base.values import file_digest
from retrieval.storage import translate_errors

_WITHOUT = 'Until then, choose the adapter "base" to be answered without.'


@dataclass(frozen=True, slots=True)
class Entry:
    """An adapter that can be loaded.

    `version` is None for a PEFT folder that somebody put into the home; it has a manifest only if it was
    exported by us. `folder` is an ordinary PEFT folder in any case.
    """

    name: str
    version: int | None
    folder: Path
    manifest: Manifest | None

    @property
    def reference(self) -> str:
        """The name that means exactly this: "bank@3"; "bank" for a folder without versions."""
        return str(Reference(self.name, self.version or "live"))


def verify(entry: Entry) -> None:
    """Compare every file with the SHA-256 in the manifest; ModelError names the first that is not as it was.

    Without a manifest the folder is only looked at, see `check_folder`.
    """
    if entry.manifest is None:
        check_folder(entry.folder)
        return
    for name in sorted({CONFIG, WEIGHTS, *entry.manifest.files}):
        problem = _problem(entry.folder / name, entry.manifest.files.get(name))
        if problem:
            raise ModelError(
                f"The adapter {entry.reference} is damaged: {name} {problem}.",
                "Import it again from a copy, or use another version; `domainqa adapters` lists them.",
            )


def check_fits(entry: Entry, base_digest: str | None, prompt_version: int) -> None:
    """Refuse an adapter that would answer wrongly: made for another base or prompt, or damaged.

    Args:
        entry: what somebody wants to load.
        base_digest: `model_digest` of the loaded base model, None where it is not known.
        prompt_version: of the prompts that it will be given.

    What a foreign adapter leaves out is not checked here; its shapes are when it is loaded. Raises
    MismatchError, or ModelError if files are missing or damaged.
    """
    verify(entry)
    check_folder(entry.folder)
    made = entry.manifest
    if made is None:
        return
    if made.prompt_version is not None and made.prompt_version != prompt_version:
        raise MismatchError(
            f"The adapter {entry.reference} was trained on version {made.prompt_version} of the prompt; this "
            f"program uses version {prompt_version}.",
            f"Train it again: domainqa retrain. {_WITHOUT}",
        )
    if made.base and made.base.digest and base_digest and made.base.digest != base_digest:
        raise MismatchError(
            f"The adapter {entry.reference} was trained on {made.base.id} with the weights "
            f"{made.base.digest[:12]}; those that are loaded are {base_digest[:12]}.",
            f"Make that model the generator in the settings, or train an adapter for this one. {_WITHOUT}",
        )


def _problem(file: Path, expected: str | None) -> str:
    if expected is None:
        return "is not in its manifest"
    try:
        return "" if file_digest(file) == expected else "is not what was registered"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


ARCHIVE = ".zip"


def export(entry: Entry, target: Path) -> None:
    """Write a copy of the adapter to `target`: a folder, or an archive if its name ends in ".zip".

    The files are verified first. The copy appears as a whole or not at all, and carries our manifest, which
    other programs ignore. Raises InputError if something is there already, ModelError if the adapter is
    damaged, StorageError if it cannot be written.
    """
    verify(entry)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InputError(f"{target} already exists.", "Name a folder or file that does not exist yet.")
    write = _write_archive if target.suffix == ARCHIVE else _write_folder
    with translate_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        _appear(target, lambda fresh: write(entry, fresh))


def description_of(folder: Path) -> Description:
    """How a PEFT folder was made: all that we exported, of others the name of the base model.

    Raises ModelError if the folder is no LoRA adapter, or is one of ours whose files were changed.
    """
    carried = carried_manifest(folder)
    if carried is not None:
        verify(Entry(carried.name, carried.version, folder, carried))
        return carried.description().model_copy(update={"parent": None})
    base = check_folder(folder).base
    return Description(base=Base(id=base) if base else None)


def _appear(target: Path, write: Callable[[Path], None]) -> None:
    fresh = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        write(fresh)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True) if fresh.is_dir() else fresh.unlink(missing_ok=True)


def _write_folder(entry: Entry, folder: Path) -> None:
    folder.mkdir()
    for file in files_of(entry.folder):
        files.copy_file(file, folder / file.name)


def _write_archive(entry: Entry, file: Path) -> None:
    inside = entry.reference.replace("@", "-")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in files_of(entry.folder):
            archive.write(source, f"{inside}/{source.name}")
    files.flush(file)
