"""Packaged models: found, checked, unpacked once, whatever happens in between."""

import errno
import json
import multiprocessing
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_base.errors import ModelError, StorageError
from knowledge_base.values import file_digest
from retrieval.models import MANIFEST, PackagedModel, Progress, is_installed, is_unpacked, unpack
from tests.retrieval.fake_packages import WORDS, install_parts, join, join_slowly, tiny_model

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages with both parts, on the path."""
    folder = tmp_path / "site"
    install_parts(folder)
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def visible(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if not path.name.startswith(".")]


def in_another_process(site: Path, cache: Path, model: PackagedModel) -> None:
    sys.path.insert(0, str(site))
    unpack(model, cache)


def join_and_die(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    join(files, folder, progress)
    os._exit(9)


def never_again(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    raise AssertionError("built twice")


@pytest.mark.usefixtures("site")
def test_the_folder_holds_what_was_built_the_notice_and_a_manifest(cache: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    folder = unpack(tiny_model(), cache, lambda *step: seen.append(step))
    manifest = json.loads((folder / MANIFEST).read_text())
    assert (folder / "inner" / "weights.bin").read_bytes() == b"first part, second part"
    assert (folder / "NOTICE").read_text() == "Be kind.\n"
    assert manifest["files"] == {"NOTICE": 9, "inner/weights.bin": 23}
    assert manifest["licence"] == "MIT"
    assert ("Checking tiny-model-2", 11, 11) in seen
    assert seen[-1] == ("Joining", 1, 1)
    assert visible(cache) == [folder.name]


@pytest.mark.usefixtures("site")
def test_a_complete_folder_is_not_built_again(cache: Path) -> None:
    model = tiny_model()
    assert not is_unpacked(model, cache)
    folder = unpack(model, cache)
    assert is_unpacked(model, cache)
    assert unpack(replace(model, build=never_again), cache) == folder


@pytest.mark.usefixtures("site")
def test_another_recipe_is_another_folder(cache: Path) -> None:
    assert unpack(tiny_model(), cache) != unpack(tiny_model(recipe=2), cache)


def test_a_complete_folder_outlives_its_package(site: Path, cache: Path) -> None:
    folder = unpack(tiny_model(), cache)
    for part in site.glob("tiny*/part.bin"):
        part.unlink()
    assert not is_installed(tiny_model())
    assert unpack(tiny_model(), cache) == folder


def test_a_package_that_is_not_installed_is_named_with_the_command(cache: Path) -> None:
    with pytest.raises(ModelError) as caught:
        unpack(tiny_model(), cache)
    assert "tiny-model-1==1.0, which is not installed" in caught.value.cause
    assert caught.value.remedy == "Install it: python -m pip install tiny-model-1==1.0 tiny-model-2==1.0"
    assert not cache.exists()


@pytest.mark.parametrize(
    ("damage", "what"),
    [(b"second pert", "SHA-256"), (b"second", "6 bytes instead of 11"), (None, "is missing")],
)
def test_a_damaged_package_is_refused_and_nothing_is_left(
    site: Path, cache: Path, damage: bytes | None, what: str
) -> None:
    part = site / "tiny2" / "part.bin"
    part.unlink()
    if damage:
        part.write_bytes(damage)
    with pytest.raises(ModelError, match=what) as caught:
        unpack(tiny_model(), cache)
    assert "--force-reinstall --no-deps --no-cache-dir tiny-model-2==1.0" in caught.value.remedy
    assert not cache.exists() or visible(cache) == []
    part.write_bytes(WORDS[1])
    assert unpack(tiny_model(), cache).is_dir()


@pytest.mark.usefixtures("site")
def test_an_interrupted_build_leaves_nothing_that_counts_and_is_repeated(cache: Path) -> None:
    def interrupted(files: Sequence[Path], folder: Path, progress: Progress) -> None:
        (folder / "half").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(tiny_model(interrupted), cache)
    assert visible(cache) == []
    folder = unpack(tiny_model(), cache)
    assert not (folder / "half").exists()
    assert [path.suffix for path in cache.iterdir() if path.is_dir() and path != folder] == []


def test_a_process_killed_before_the_manifest_is_as_if_it_never_ran(site: Path, cache: Path) -> None:
    process = SPAWN.Process(target=in_another_process, args=(site, cache, tiny_model(join_and_die)))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert list(cache.glob(".*.partial/inner/weights.bin"))
    assert not is_unpacked(tiny_model(), cache)
    unpack(tiny_model(), cache)
    assert is_unpacked(tiny_model(), cache)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("manifest", ["", "[]", '{"files": {"inner/weights.bin": 99}}', None])
def test_a_folder_without_a_good_manifest_is_built_again(cache: Path, manifest: str | None) -> None:
    folder = unpack(tiny_model(), cache)
    (folder / MANIFEST).unlink()
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)
    (folder / "stray").touch()
    assert not is_unpacked(tiny_model(), cache)
    assert not (unpack(tiny_model(), cache) / "stray").exists()


def test_a_second_process_waits_for_the_first(site: Path, cache: Path) -> None:
    model = tiny_model(join_slowly)
    processes = [SPAWN.Process(target=in_another_process, args=(site, cache, model)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert (cache.parent / "builds.log").read_text() == "build\n"
    assert is_unpacked(model, cache)


@pytest.mark.usefixtures("site")
def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        unpack(tiny_model(), tmp_path / "cache")


@pytest.mark.usefixtures("site")
def test_a_full_disk_says_how_much_is_needed(cache: Path) -> None:
    def full(files: Sequence[Path], folder: Path, progress: Progress) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="is full"):
        unpack(replace(tiny_model(full), size=490_000_000), cache)
    with pytest.raises(StorageError, match="490 MB"):
        unpack(replace(tiny_model(full), size=490_000_000), cache)


def test_progress_of_a_digest_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"abc")
    seen: list[int] = []
    digest = file_digest(tmp_path / "data", seen.append)
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert seen == [3]
