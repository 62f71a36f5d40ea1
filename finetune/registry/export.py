"""An adapter leaves the registry as an ordinary PEFT folder, or comes from one."""

import shutil
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

from finetune import files
from finetune.registry.entry import Entry, verify
from finetune.registry.manifest import Base, Description, carried_manifest
from finetune.registry.peft_folder import check_folder, files_of
from knowledge_base.errors import InputError
from retrieval.storage import translate_errors

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
    """What a PEFT folder tells of how it was made: all that we exported, of others the base model's name.

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
