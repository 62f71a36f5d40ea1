"""Settings: where they come from, which wins, and how problems are told."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.home import settings_file
from app.settings import Settings, load_settings
from knowledge_base.errors import SettingsError


def write(home: Path, text: str) -> None:
    home.mkdir(exist_ok=True)
    settings_file(home).write_text(text, encoding="utf-8")


def problems(overrides: Mapping[str, object], kind: type[Settings] = Settings) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides, kind)
    return caught.value.cause


def test_defaults_lie_in_the_users_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = load_settings({})
    assert settings.home == tmp_path / ".local/share/domainqa"
    assert settings.models_cache == tmp_path / ".cache/domainqa/models"
    assert (settings.collection, settings.read_k, settings.reranker) == ("bank", 4, None)


def test_command_line_beats_environment_beats_file_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path, "top_k = 7\nread_k = 7\ndepth = 70")
    monkeypatch.setenv("DOMAINQA_READ_K", "8")
    monkeypatch.setenv("DOMAINQA_DEPTH", "80")
    settings = load_settings({"home": tmp_path, "depth": 90, "port": None})
    assert (settings.port, settings.top_k, settings.read_k, settings.depth) == (0, 7, 8, 90)


def test_the_home_that_the_environment_names_holds_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path / "named", 'language = "zh"')
    monkeypatch.setenv("DOMAINQA_HOME", str(tmp_path / "named"))
    assert load_settings({}).language == "zh"


def test_folders_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/users/kim")
    settings = load_settings({"home": "here", "models_cache": "~/models"})
    assert (settings.home, settings.models_cache) == (tmp_path / "here", Path("/users/kim/models"))


def test_all_problems_are_reported_together_with_their_places(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(tmp_path, 'top_k = "many"\nreadk = 3\nhome = "/elsewhere"\nread_k = 99')
    monkeypatch.setenv("DOMAINQA_DEVICE", "gpu")
    monkeypatch.setenv("DOMAINQA_CHUNKS", "3")
    told = problems({"home": tmp_path, "port": 70_000}).splitlines()[1:]
    file = settings_file(tmp_path)
    assert [line.strip().partition("): ")[0] for line in told] == [
        "DOMAINQA_CHUNKS: there is no such setting",
        f"home ({file}",
        f"top_k ({file}",
        f"read_k ({file}",
        "port (command line",
        "device (environment variable DOMAINQA_DEVICE",
        f"readk ({file}",
    ]


def test_the_remedy_names_the_settings_that_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"home": tmp_path, "depht": 3})
    assert "depth" in caught.value.remedy
    assert "depht (command line): there is no such setting" in caught.value.cause


@pytest.mark.parametrize("text", ["top_k = ", "[", "top_k = 1\ntop_k = 2", "\x00"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert f"{settings_file(tmp_path)} is not valid TOML" in problems({"home": tmp_path})


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    settings_file(tmp_path).write_bytes('language = "中"'.encode("gb18030"))
    assert "is not valid TOML" in problems({"home": tmp_path})


def test_a_folder_in_the_place_of_the_file_is_reported(tmp_path: Path) -> None:
    settings_file(tmp_path).mkdir()
    assert "cannot be read" in problems({"home": tmp_path})


def test_a_home_that_is_not_there_yet_has_no_settings(tmp_path: Path) -> None:
    assert load_settings({"home": tmp_path / "new"}).top_k == Settings.model_fields["top_k"].default


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_devices(tmp_path: Path, device: str) -> None:
    assert load_settings({"home": tmp_path, "device": device}).device == device


def test_no_more_is_read_or_shown_than_is_searched(tmp_path: Path) -> None:
    told = problems({"home": tmp_path, "depth": 3, "top_k": 4, "read_k": 5})
    assert told.count("should not be greater than depth, which is 3") == len(("top_k", "read_k"))


def test_settings_cannot_change(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path})
    with pytest.raises(ValidationError):
        settings.top_k = 3  # type: ignore[misc]


class WithSecret(Settings):
    """Settings as a server may have them."""

    key: SecretStr = SecretStr("")
    secret_length: SecretStr | None = None


def test_secrets_are_masked_where_settings_are_described(tmp_path: Path) -> None:
    settings = load_settings({"home": tmp_path, "key": "hidden"}, WithSecret)
    assert "hidden" not in f"{settings!r} {settings.described()}"


def test_secrets_are_masked_where_they_do_not_fit(tmp_path: Path) -> None:
    told = problems({"home": tmp_path, "key": 12345}, WithSecret)
    assert "12345" not in told
    assert "key (command line)" in told
