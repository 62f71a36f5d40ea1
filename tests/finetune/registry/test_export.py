"""Adapters go out as ordinary PEFT folders, and any such folder comes in."""

import json
import zipfile
from pathlib import Path

import pytest

from finetune.registry.entry import description_of, export
from finetune.registry.manifest import Base, Description
from finetune.registry.registry import Registry
from knowledge_base.errors import InputError, ModelError
from tests.finetune.registry.folders import DESCRIPTION, contents, peft_folder


def test_an_exported_folder_is_the_one_that_was_registered(
    registry: Registry, adapter: Path, place: Path
) -> None:
    registry.register("bank", adapter, DESCRIPTION)
    export(registry.get("bank", 1), place / "somewhere" / "out")
    written = contents(place / "somewhere" / "out")
    assert json.loads(written.pop("manifest.json"))["name"] == "bank"
    assert written == contents(adapter)


def test_an_archive_holds_one_folder(registry: Registry, adapter: Path, place: Path) -> None:
    registry.register("bank", adapter)
    export(registry.get("bank", 1), place / "out.zip")
    with zipfile.ZipFile(place / "out.zip") as archive:
        archive.extractall(place / "unpacked")
    assert contents(place / "unpacked" / "bank-1") == contents(registry.get("bank", 1).folder)


def test_nothing_is_overwritten(registry: Registry, adapter: Path, place: Path) -> None:
    registry.register("bank", adapter)
    (place / "empty").mkdir()
    export(registry.get("bank", 1), place / "empty")
    (place / "there.zip").write_bytes(b"")
    for target in (place / "empty", place / "there.zip", adapter):
        with pytest.raises(InputError, match="already exists"):
            export(registry.get("bank", 1), target)


def test_a_damaged_adapter_is_not_exported(registry: Registry, adapter: Path, place: Path) -> None:
    registry.register("bank", adapter)
    (registry.get("bank", 1).folder / "README.md").write_text("changed", encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        export(registry.get("bank", 1), place / "out")
    assert not (place / "out").exists()


def test_an_import_of_an_export_knows_all_but_its_parent(
    registry: Registry, adapter: Path, place: Path
) -> None:
    told = DESCRIPTION.model_copy(update={"parent": 1})
    registry.register("bank", adapter, told)
    export(registry.get("bank", 1), place / "out")
    other = Registry(place / "other")
    assert other.import_folder("till", place / "out") == 1
    entry = other.get("till", 1)
    assert entry.manifest is not None
    assert entry.manifest.description() == DESCRIPTION
    assert entry.manifest.name == "till"
    assert contents(entry.folder).keys() == contents(registry.get("bank", 1).folder).keys()


def test_an_import_of_a_changed_export_is_refused(registry: Registry, adapter: Path, place: Path) -> None:
    registry.register("bank", adapter)
    export(registry.get("bank", 1), place / "out")
    peft_folder(place / "out", seed=1)
    with pytest.raises(ModelError, match="damaged: README.md|damaged: adapter_model"):
        registry.import_folder("bank", place / "out")


def test_of_a_foreign_folder_the_base_is_known(registry: Registry, place: Path) -> None:
    folder = peft_folder(place / "foreign", base_model_name_or_path="someone/model")
    (folder / "training_args.bin").write_bytes(b"\x80")
    (folder / "manifest.json").write_text('{"made by": "another program"}', encoding="utf-8")
    registry.import_folder("bank", folder)
    entry = registry.get("bank", 1)
    assert entry.manifest is not None
    assert entry.manifest.description() == Description(base=Base(id="someone/model"))
    assert "training_args.bin" not in contents(entry.folder)


def test_a_foreign_folder_need_not_name_its_base(place: Path) -> None:
    assert description_of(peft_folder(place / "x", base_model_name_or_path=None)) == Description()


def test_what_is_no_adapter_is_not_imported(registry: Registry, place: Path) -> None:
    (peft_folder(place / "old") / "adapter_model.safetensors").rename(place / "old" / "adapter_model.bin")
    for folder in (place / "old", place / "nowhere"):
        with pytest.raises(ModelError):
            registry.import_folder("bank", folder)
    with pytest.raises(InputError, match="cannot be the name"):
        registry.import_folder("base", peft_folder(place / "good"))
    assert registry.names() == []
