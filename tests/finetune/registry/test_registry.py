"""Registering, promoting, rolling back and removing, over a folder of shipped adapters and without one."""

import json
import threading
from pathlib import Path

import pytest

from finetune.registry.manifest import Description, read_manifest
from finetune.registry.registry import Aliases, Registry
from knowledge_base.errors import BusyError, InputError, ModelError, NotFoundError, StorageError
from tests.finetune.registry.folders import DESCRIPTION, contents, peft_folder


def test_nothing_is_there_at_first_and_reading_makes_nothing(registry: Registry) -> None:
    assert registry.names() == []
    assert registry.versions("bank") == []
    assert registry.aliases("bank") == Aliases()
    assert not registry.serves("bank")
    assert not registry.folder.exists()


def test_a_registered_version_is_a_peft_folder_with_a_manifest(registry: Registry, adapter: Path) -> None:
    assert registry.register("bank", adapter, DESCRIPTION) == 1
    entry = registry.get("bank", 1)
    assert entry.reference == "bank@1"
    assert entry.folder == registry.folder / "bank" / "versions" / "0001"
    stored = contents(entry.folder)
    manifest = json.loads(stored.pop("manifest.json"))
    assert stored == contents(adapter)
    assert set(manifest["files"]) == set(stored)
    assert (manifest["name"], manifest["version"], manifest["prompt_version"]) == ("bank", 1, 1)
    assert entry.manifest == read_manifest(entry.folder)
    assert entry.manifest.description() == DESCRIPTION


def test_what_is_registered_no_longer_depends_on_its_source(registry: Registry, adapter: Path) -> None:
    registry.register("bank", adapter)
    for file in adapter.iterdir():
        file.unlink()
    registry.promote("bank", 1)
    assert registry.find("bank").version == 1


def test_notices_of_the_licence_become_a_file_that_goes_with_every_copy(
    registry: Registry, adapter: Path
) -> None:
    registry.register("bank", adapter, Description(notices=("Gemma's terms apply.",)))
    assert (registry.get("bank", 1).folder / "NOTICE").read_text(encoding="utf-8") == "Gemma's terms apply.\n"
    (adapter / "NOTICE").write_text("Its own.", encoding="utf-8")
    registry.register("bank", adapter, Description(notices=("Gemma's terms apply.",)))
    assert (registry.get("bank", 2).folder / "NOTICE").read_text(encoding="utf-8") == "Its own."


def test_a_version_is_offered_only_once_it_is_promoted(registry: Registry, adapter: Path) -> None:
    registry.register("bank", adapter)
    assert registry.names() == ["bank"]
    assert not registry.serves("bank")
    with pytest.raises(NotFoundError, match="No version of the adapter bank is live; there is: 1") as caught:
        registry.find("bank")
    assert "promote" in caught.value.remedy
    registry.promote("bank", 1)
    assert registry.serves("bank")
    assert registry.find("bank") == registry.find("bank@1") == registry.find("bank@live")


def test_promoting_keeps_what_was_before(registry: Registry, adapter: Path) -> None:
    for _ in range(3):
        registry.register("bank", adapter)
    assert registry.promote("bank", 1) == Aliases(live=1)
    assert registry.promote("bank", 3) == Aliases(live=3, previous=1)
    assert registry.promote("bank", 3) == Aliases(live=3, previous=1)
    assert registry.find("bank@previous").version == 1
    assert registry.rollback("bank") == Aliases(live=1, previous=3)
    assert registry.rollback("bank") == Aliases(live=3, previous=1)


def test_going_back_from_the_first_version_leads_to_the_base_model(registry: Registry, adapter: Path) -> None:
    registry.register("bank", adapter)
    registry.promote("bank", 1)
    assert registry.rollback("bank") == Aliases(previous=1)
    assert not registry.serves("bank")
    assert registry.rollback("bank") == Aliases(live=1)


def test_without_a_promotion_there_is_nothing_to_go_back_to(registry: Registry, adapter: Path) -> None:
    with pytest.raises(NotFoundError, match="no adapter bank; there is: none"):
        registry.rollback("bank")
    registry.register("bank", adapter)
    with pytest.raises(NotFoundError, match="is previous; there is: 1"):
        registry.rollback("bank")
    with pytest.raises(NotFoundError, match="is previous"):
        registry.find("bank@previous")


@pytest.mark.parametrize("text", ["bank@7", "bnak", "bnak@1"])
def test_what_is_not_there_names_what_is(registry: Registry, adapter: Path, text: str) -> None:
    registry.register("bank", adapter)
    with pytest.raises(NotFoundError, match="there is: (1|bank)"):
        registry.find(text)
    if "@" in text:
        with pytest.raises(NotFoundError):
            registry.promote(*text.split("@")[:1], 7)


def test_a_removed_version_is_gone_and_its_number_is_not_given_again(
    registry: Registry, adapter: Path
) -> None:
    for number in (1, 2, 3):
        assert registry.register("bank", adapter) == number
    registry.promote("bank", 2)
    registry.promote("bank", 1)
    registry.remove("bank", 3)
    registry.remove("bank", 2)
    assert registry.versions("bank") == [1]
    assert registry.aliases("bank") == Aliases(live=1, last=3)
    assert registry.next_version("bank") == registry.register("bank", adapter) == 4
    assert sorted(place.name for place in (registry.folder / "bank" / "versions").iterdir()) == [
        "0001",
        "0004",
    ]


def test_what_is_live_cannot_be_removed(registry: Registry, adapter: Path) -> None:
    registry.register("bank", adapter)
    registry.promote("bank", 1)
    with pytest.raises(InputError, match="is live") as caught:
        registry.remove("bank", 1)
    assert "rollback bank" in caught.value.remedy
    with pytest.raises(NotFoundError, match="version 2"):
        registry.remove("bank", 2)


def test_a_name_whose_versions_are_all_removed_is_gone(registry: Registry, adapter: Path) -> None:
    registry.register("bank", adapter)
    registry.remove("bank", 1)
    assert registry.names() == []
    assert registry.register("bank", adapter) == 2


@pytest.mark.parametrize("name", ["base", "", "../up", "a/b", ".hidden", "a b"])
def test_names_that_no_adapter_can_have(registry: Registry, adapter: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be the name"):
        registry.register(name, adapter)
    assert not registry.serves(name)


def test_a_damaged_version_is_reported_and_never_promoted(registry: Registry, adapter: Path) -> None:
    for _ in range(3):
        registry.register("bank", adapter)
    registry.promote("bank", 1)
    weights = registry.get("bank", 2).folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    (registry.get("bank", 3).folder / "manifest.json").write_text("{", encoding="utf-8")
    for number, match in ((2, "not what was registered"), (3, "damaged")):
        with pytest.raises(ModelError, match=match):
            registry.promote("bank", number)
    assert registry.aliases("bank") == Aliases(live=1)


def test_a_rollback_to_a_damaged_version_changes_nothing(registry: Registry, adapter: Path) -> None:
    for number in (1, 2):
        registry.register("bank", adapter)
        registry.promote("bank", number)
    (registry.get("bank", 1).folder / "adapter_config.json").unlink()
    with pytest.raises(ModelError, match="adapter_config.json is missing"):
        registry.rollback("bank")
    assert registry.find("bank").version == 2


def test_a_folder_without_a_manifest_is_no_version(registry: Registry, adapter: Path) -> None:
    registry.register("bank", adapter)
    (registry.get("bank", 1).folder / "manifest.json").unlink()
    assert registry.names() == []
    with pytest.raises(NotFoundError):
        registry.get("bank", 1)
    assert registry.register("bank", adapter) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"live": 0}', '{"live": "one"}', '{"alive": 1}'])
def test_damaged_aliases_are_reported_with_what_to_do(registry: Registry, adapter: Path, text: str) -> None:
    registry.register("bank", adapter)
    file = registry.folder / "bank" / "aliases.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError, match="is damaged") as caught:
        registry.find("bank")
    assert "Delete that one file" in caught.value.remedy
    file.unlink()
    assert registry.promote("bank", 1).live == 1


def test_a_plain_folder_is_an_adapter_without_versions(registry: Registry) -> None:
    peft_folder(registry.folder / "fees")
    assert registry.names() == ["fees"]
    assert registry.serves("fees")
    entry = registry.find("fees")
    assert (entry.reference, entry.version, entry.manifest) == ("fees", None, None)
    with pytest.raises(NotFoundError, match="only a folder without versions"):
        registry.find("fees@1")


def test_versions_come_before_a_plain_folder_of_the_name(registry: Registry, adapter: Path) -> None:
    peft_folder(registry.folder / "fees")
    registry.register("fees", adapter)
    assert registry.find("fees").version is None
    registry.promote("fees", 1)
    assert registry.find("fees").version == 1


@pytest.fixture
def shipped(place: Path, adapter: Path) -> Registry:
    """A registry over one shipped adapter, which is live."""
    maker = Registry(place / "shipped")
    maker.register("general", adapter, DESCRIPTION)
    maker.promote("general", 1)
    return Registry(place / "adapters", place / "shipped")


def test_a_shipped_adapter_is_there_without_anything_in_the_home(shipped: Registry) -> None:
    assert shipped.names() == shipped.shipped_names() == ["general"]
    assert shipped.find("general").reference == "general@1"
    assert not shipped.folder.exists()


def test_a_shipped_adapter_is_retrained_promoted_and_rolled_back_in_the_home(
    shipped: Registry, adapter: Path, place: Path
) -> None:
    before = contents(place / "shipped")
    assert shipped.register("general", adapter) == 2
    assert shipped.promote("general", 2) == Aliases(live=2, previous=1)
    assert shipped.versions("general") == [1, 2]
    assert shipped.rollback("general").live == 1
    assert shipped.find("general").folder.is_relative_to(place / "shipped")
    assert contents(place / "shipped") == before


def test_a_shipped_adapter_can_be_turned_off_but_not_removed(shipped: Registry) -> None:
    assert shipped.rollback("general") == Aliases(previous=1)
    assert not shipped.serves("general")
    with pytest.raises(InputError, match="came with domainqa"):
        shipped.remove("general", 1)


def test_writers_wait_for_each_other_and_say_so_in_the_end(place: Path, adapter: Path) -> None:
    patient = Registry(place / "adapters")
    with patient._writing("bank"), pytest.raises(BusyError, match="Another process"):
        Registry(place / "adapters", wait_seconds=0.05).register("bank", adapter)
    assert patient.register("bank", adapter) == 1


def test_many_threads_register_without_losing_a_version(registry: Registry, adapter: Path) -> None:
    numbers: list[int] = []
    threads = [
        threading.Thread(target=lambda: numbers.append(registry.register("bank", adapter))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == registry.versions("bank") == list(range(1, 9))
