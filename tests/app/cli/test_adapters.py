"""`domainqa adapters` over a home of a few versions."""

import json
import zipfile
from pathlib import Path

import pytest

from finetune.registry.manifest import Description, LossPoint, Verdict
from finetune.registry.registry import Registry
from tests.app.cli.conftest import Run
from tests.finetune.registry.folders import DESCRIPTION, contents, peft_folder


@pytest.fixture(autouse=True)
def _nothing_is_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And no model runs here, which versions would be judged by."""
    monkeypatch.setattr("app.adapters.SHIPPED", tmp_path / "nothing")
    monkeypatch.setenv("DOMAINQA_GENERATOR", "langchain:openai:any")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Three versions of one adapter: the first came before the second, which is live; one was rejected."""
    made = Registry(tmp_path / "home" / "adapters")
    for number in range(1, 4):
        told = {"verdict": Verdict(promoted=number < 3), "losses": (LossPoint(step=9, train=0.5),)}
        made.register("bank", peft_folder(tmp_path / "made", number), DESCRIPTION.model_copy(update=told))
    made.promote("bank", 1)
    made.promote("bank", 2)
    return made


def test_no_adapters_say_how_to_get_one(run: Run) -> None:
    result = run("adapters")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "domainqa adapters import FOLDER" in result.stderr
    assert json.loads(run("adapters", "--json").stdout) == []


@pytest.mark.parametrize("words", [("adapters",), ("adapters", "list")])
def test_versions_are_listed(run: Run, registry: Registry, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 0
    heading, *rows = [line.split() for line in result.stdout.splitlines()]
    assert heading == ["adapter", "state", "created", "base", "verdict"]
    assert [row[:2] for row in rows[:2]] == [["bank@1", "previous"], ["bank@2", "live"]]
    assert rows[2][0] == "bank@3"
    assert [row[-1] for row in rows] == ["promoted", "promoted", "rejected"]


def test_the_list_as_json_has_folders_and_damaged_versions_too(run: Run, registry: Registry) -> None:
    peft_folder(registry.folder / "fees")
    (registry.get("bank", 3).folder / "manifest.json").write_text("{", encoding="utf-8")
    found = json.loads(run("adapters", "list", "--json").stdout)
    assert [(entry["adapter"], entry["state"]) for entry in found] == [
        ("bank@1", "previous"),
        ("bank@2", "live"),
        ("bank@3", "unusable"),
        ("fees", "folder"),
    ]
    assert found[0]["base"] == "gemma-3-270m"


def test_a_version_is_shown(run: Run, registry: Registry) -> None:
    shown = run("adapters", "show", "bank").stdout
    assert "bank@2" in shown
    assert "gemma-3-270m" in shown
    assert '"train": 0.5' in shown
    body = json.loads(run("adapters", "show", "bank@3", "--json").stdout)
    assert (body["name"], body["version"], body["verdict"]["promoted"]) == ("bank", 3, False)


def test_of_a_folder_there_is_little_to_show(run: Run, registry: Registry) -> None:
    peft_folder(registry.folder / "fees")
    assert "fees" in run("adapters", "show", "fees").stdout
    assert json.loads(run("adapters", "show", "fees", "--json").stdout) is None


def test_a_version_is_promoted_and_rolled_back(run: Run, registry: Registry) -> None:
    assert run("adapters", "promote", "bank@3").stdout == "bank@3 is live; bank@2 was live before.\n"
    assert registry.aliases("bank").live == 3
    assert run("adapters", "rollback", "bank").stdout == "bank@2 is live; bank@3 was live before.\n"
    assert registry.aliases("bank").live == 2


def test_going_back_to_the_base_model_is_said(run: Run, tmp_path: Path) -> None:
    run("adapters", "import", str(peft_folder(tmp_path / "made")), "--name", "bank")
    assert run("adapters", "promote", "bank@1").stdout == "bank@1 is live; there is no previous version.\n"
    told = run("adapters", "rollback", "bank").stdout
    assert told == "No version of bank is live; bank@1 was live before.\n"


def test_a_folder_is_imported(run: Run, tmp_path: Path) -> None:
    result = run("adapters", "import", str(peft_folder(tmp_path / "made")), "--name", "bank")
    assert (result.exit_code, result.stdout) == (0, "bank@1\n")
    assert "domainqa adapters promote bank@1" in result.stderr


@pytest.mark.parametrize(("name", "code"), [("bank", 9), ("base", 3), ("a/b", 3)])
def test_an_import_that_cannot_be(run: Run, tmp_path: Path, name: str, code: int) -> None:
    (peft_folder(tmp_path / "made") / "adapter_model.safetensors").rename(tmp_path / "made" / "model.bin")
    result = run("adapters", "import", str(tmp_path / "made"), "--name", name)
    assert result.exit_code == code
    assert "Error: " in result.stderr


def test_a_version_is_exported_as_a_folder_or_an_archive(
    run: Run, registry: Registry, tmp_path: Path
) -> None:
    assert run("adapters", "export", "bank@1", str(tmp_path / "out")).exit_code == 0
    assert contents(tmp_path / "out") == contents(registry.get("bank", 1).folder)
    result = run("adapters", "export", "bank", str(tmp_path / "out.zip"))
    assert "Exported bank@2 to" in result.stderr
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "bank-2/adapter_model.safetensors" in archive.namelist()
    assert run("adapters", "export", "bank", str(tmp_path / "out.zip")).exit_code == 3


def test_a_version_is_removed_but_not_the_live_one(run: Run, registry: Registry) -> None:
    assert run("adapters", "remove", "bank@3").exit_code == 0
    assert registry.versions("bank") == [1, 2]
    assert run("adapters", "remove", "bank@2").exit_code == 3
    assert run("adapters", "remove", "bank@3").exit_code == 4


@pytest.mark.parametrize("command", ["promote", "remove"])
@pytest.mark.parametrize(("adapter", "code"), [("bank", 3), ("bank@live", 3), ("bank@x", 3), ("bank@9", 4)])
def test_what_changes_a_version_must_name_one(
    run: Run, registry: Registry, command: str, adapter: str, code: int
) -> None:
    result = run("adapters", command, adapter)
    assert result.exit_code == code
    assert registry.versions("bank") == [1, 2, 3]


@pytest.mark.parametrize("words", [("show", "nobody"), ("rollback", "nobody"), ("export", "nobody", "out")])
def test_an_unknown_adapter_is_reported_with_the_known_ones(
    run: Run, registry: Registry, words: tuple[str, ...]
) -> None:
    result = run("adapters", *words)
    assert result.exit_code == 4
    assert "there is: bank" in result.stderr


def test_every_version_is_verified(run: Run, registry: Registry) -> None:
    result = run("adapters", "verify")
    assert (result.exit_code, result.stdout) == (0, "bank@1: ok\nbank@2: ok\nbank@3: ok\n")
    (registry.get("bank", 3).folder / "README.md").unlink()
    result = run("adapters", "verify")
    assert result.exit_code == 9
    assert "bank@3: The adapter bank@3 is damaged: README.md is missing." in result.stdout
    assert "bank@3" in result.stderr


def test_an_adapter_without_any_facts_can_be_listed_and_shown(run: Run, tmp_path: Path) -> None:
    made = Registry(tmp_path / "home" / "adapters")
    made.register("bare", peft_folder(tmp_path / "made"), Description())
    assert "bare@1" in run("adapters").stdout
    assert "bare@1" in run("adapters", "show", "bare@1").stdout
    assert run("adapters", "promote", "bare@1").exit_code == 0
