"""An adapter that would answer wrongly is refused, with the reason."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.files import model_digest
from finetune.registry.entry import Entry, check_fits, verify
from finetune.registry.manifest import Base, Description
from finetune.registry.registry import Registry
from knowledge_base.errors import MismatchError, ModelError
from tests.finetune.registry.folders import DESCRIPTION, DIGEST, peft_folder


def registered(registry: Registry, adapter: Path, description: Description = DESCRIPTION) -> Entry:
    return registry.get("bank", registry.register("bank", adapter, description))


def test_the_base_and_prompt_that_it_was_trained_for_fit(registry: Registry, adapter: Path) -> None:
    entry = registered(registry, adapter)
    check_fits(entry, DIGEST, prompt_version=1)
    check_fits(entry, None, prompt_version=1)
    with pytest.raises(MismatchError):
        check_fits(entry, "e" * 64, prompt_version=1)


def test_another_base_is_refused(registry: Registry, adapter: Path) -> None:
    with pytest.raises(MismatchError, match="trained on gemma-3-270m with the weights dddd.* eeee") as caught:
        check_fits(registered(registry, adapter), "e" * 64, prompt_version=1)
    assert "generator in the settings" in caught.value.remedy


def test_another_prompt_is_refused(registry: Registry, adapter: Path) -> None:
    with pytest.raises(MismatchError, match="version 1 of the prompt.*version 2") as caught:
        check_fits(registered(registry, adapter), DIGEST, prompt_version=2)
    assert "domainqa retrain" in caught.value.remedy


@pytest.mark.parametrize("description", [Description(), Description(base=Base(id="gemma-3-270m"))])
def test_what_a_foreign_adapter_leaves_out_is_not_checked(
    registry: Registry, adapter: Path, description: Description
) -> None:
    entry = registered(registry, adapter, description)
    check_fits(entry, DIGEST, prompt_version=9)
    assert entry.manifest is not None


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors", "README.md"])
def test_missing_and_changed_files_are_refused(registry: Registry, adapter: Path, name: str) -> None:
    entry = registered(registry, adapter)
    verify(entry)
    (entry.folder / name).write_bytes((entry.folder / name).read_bytes() + b" ")
    with pytest.raises(ModelError, match=f"bank@1 is damaged: {name} is not what was registered"):
        verify(entry)
    (entry.folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name} is missing") as caught:
        check_fits(entry, DIGEST, prompt_version=1)
    assert "Import it again" in caught.value.remedy


def test_a_folder_in_the_place_of_a_file_is_refused(registry: Registry, adapter: Path) -> None:
    entry = registered(registry, adapter)
    (entry.folder / "README.md").unlink()
    (entry.folder / "README.md").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        verify(entry)


def test_weights_that_no_manifest_vouches_for_are_refused(registry: Registry, adapter: Path) -> None:
    entry = registered(registry, adapter)
    assert entry.manifest is not None
    silent = entry.manifest.model_copy(update={"files": {}})
    with pytest.raises(ModelError, match="is not in its manifest"):
        verify(replace(entry, manifest=silent))


def test_a_plain_folder_is_looked_at(place: Path) -> None:
    folder = peft_folder(place / "plain")
    entry = Entry("plain", None, folder, None)
    check_fits(entry, DIGEST, prompt_version=1)
    (folder / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="damaged"):
        check_fits(entry, DIGEST, prompt_version=1)


def test_the_digest_of_weights_is_that_of_the_files_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "model-2.safetensors").write_bytes(b"second")
    (tmp_path / "model-1.safetensors").write_bytes(b"first ")
    (tmp_path / "config.json").write_bytes(b"{}")
    together = model_digest(tmp_path)
    assert together == hashlib.sha256(b"first second").hexdigest()
    (tmp_path / "config.json").write_bytes(b"[]")
    assert model_digest(tmp_path) == together
    (tmp_path / "model-1.safetensors").write_bytes(b"First ")
    assert model_digest(tmp_path) != together


def test_a_folder_without_weights_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no weights"):
        model_digest(tmp_path)
    (tmp_path / "model.safetensors").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        model_digest(tmp_path)
