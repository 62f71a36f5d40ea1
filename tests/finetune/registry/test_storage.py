"""A disk that is full or read-only: nothing half is seen, nothing that was there is lost."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finetune import files
from finetune.registry.entry import export
from finetune.registry.manifest import Description
from finetune.registry.registry import Aliases, Registry
from knowledge_base.errors import StorageError
from tests.finetune.registry.folders import contents

NOTICED = Description(notices=("Terms apply.",))
NOBODY = 65534


@pytest.fixture
def full_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the disk full once it was flushed so many times; a negative number gives it room again."""
    flush = files.flush

    def set_limit(limit: int) -> None:
        left = [limit]

        def limited(path: Path) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(errno.ENOSPC, "No space left on device")
            flush(path)

        monkeypatch.setattr(files, "flush", limited)

    return set_limit


def test_whenever_the_disk_fills_up_nothing_half_is_registered(
    registry: Registry, adapter: Path, full_after: Callable[[int], None]
) -> None:
    registry.register("bank", adapter)
    before = contents(registry.folder)
    failures = 0
    while True:
        full_after(failures)
        try:
            registry.register("bank", adapter, NOTICED)
            break
        except StorageError as error:
            assert "disk is full" in error.cause
            failures += 1
        if registry.versions("bank") == [1]:
            assert contents(registry.folder) == before
        else:  # it was whole already, only the folder's names were still to be flushed
            assert registry.versions("bank") == [1, 2]
            registry.promote("bank", 2)
            break
    assert failures > len(contents(adapter))


@pytest.mark.parametrize("action", ["promote", "rollback", "remove"])
def test_with_a_full_disk_the_live_version_stays(
    registry: Registry, adapter: Path, full_after: Callable[[int], None], action: str
) -> None:
    for number in (1, 2, 3):
        registry.register("bank", adapter)
        registry.promote("bank", number)
    full_after(0)
    arguments = {"promote": ("bank", 1), "rollback": ("bank",), "remove": ("bank", 1)}[action]
    with pytest.raises(StorageError, match="disk is full") as caught:
        getattr(registry, action)(*arguments)
    assert "Free some disk space" in caught.value.remedy
    assert registry.aliases("bank") == Aliases(live=3, previous=2)
    assert registry.versions("bank") == [1, 2, 3]
    full_after(-9)
    getattr(registry, action)(*arguments)


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_with_a_full_disk_no_half_export_stays(
    registry: Registry, adapter: Path, full_after: Callable[[int], None], place: Path, name: str
) -> None:
    registry.register("bank", adapter)
    full_after(0)
    with pytest.raises(StorageError, match="disk is full"):
        export(registry.get("bank", 1), place / "elsewhere" / name)
    assert list((place / "elsewhere").iterdir()) == []


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that this user may not write: rights bind root only while it is somebody else."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            os.seteuid(NOBODY)
        yield folder
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_read_only_home_is_an_error_with_a_remedy(read_only: Path) -> None:
    registry = Registry(read_only / "adapters")
    assert registry.names() == []
    with pytest.raises(StorageError, match="cannot be written") as caught:
        registry.rollback("bank")
    assert "--home" in caught.value.remedy


def test_a_file_in_the_place_of_the_folder(place: Path, adapter: Path) -> None:
    (place / "adapters").write_text("x", encoding="utf-8")
    with pytest.raises(StorageError, match="adapters cannot be"):
        Registry(place / "adapters").register("bank", adapter)
