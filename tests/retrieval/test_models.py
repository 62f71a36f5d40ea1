"""A name becomes a folder: packaged, local, or of the hub."""

from pathlib import Path

import pytest

from knowledge_base.errors import ModelError
from retrieval.models import resolve
from tests.retrieval.fake_packages import install_parts, tiny_model


@pytest.fixture(autouse=True)
def _empty_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache of the hub with nothing in it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_packaged_name_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_parts(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    seen: list[str] = []
    folder = resolve("tiny", tmp_path, [tiny_model()], lambda label, done, total: seen.append(label))
    assert folder == tiny_model().folder(tmp_path)
    assert (folder / "inner" / "weights.bin").is_file()
    assert seen[-1] == "Joining"


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert resolve(str(tmp_path), tmp_path / "cache") == tmp_path


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no config.json"):
        resolve(str(tmp_path), tmp_path)


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", "~/none"])
def test_a_path_that_is_not_there_is_not_looked_for_on_the_hub(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist") as caught:
        resolve(name, tmp_path, [tiny_model()])
    assert "packaged model (tiny)" in caught.value.remedy


def test_a_model_of_the_hub_that_is_here_needs_no_network(tmp_path: Path, _empty_hub: Path) -> None:
    repository = _empty_hub / "models--someone--model"
    snapshot = repository / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    assert resolve("someone/model", tmp_path) == snapshot


@pytest.mark.parametrize(
    ("name", "cause"),
    [("someone/model", "not on this machine and cannot be fetched"), ("a b/c/d", "neither a packaged one")],
)
def test_a_model_that_cannot_be_had_names_the_choices(name: str, cause: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=cause) as caught:
        resolve(name, tmp_path, [tiny_model()])
    assert "\n" not in caught.value.cause
    assert "copy its folder here" in caught.value.remedy
