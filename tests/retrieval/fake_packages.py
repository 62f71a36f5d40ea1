"""Installed packages made of a few bytes, for models that arrive as data inside packages."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from knowledge_base.values import digest_of
from retrieval.models import Build, PackagedFile, PackagedModel, Progress

WORDS = (b"first part, ", b"second part")


def install(site: Path, name: str, version: str, files: Mapping[str, bytes]) -> None:
    """Put a distribution into a folder of packages, as pip records it."""
    for path, data in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(data)
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))


def install_parts(site: Path) -> None:
    """The packages `tiny-model-1` and `-2`, a part in each."""
    for number, data in enumerate(WORDS, start=1):
        install(site, f"tiny-model-{number}", "1.0", {f"tiny{number}/part.bin": data})


def join(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    """A build that concatenates the parts."""
    progress("Joining", 0, 1)
    (folder / "inner").mkdir()
    (folder / "inner" / "weights.bin").write_bytes(b"".join(file.read_bytes() for file in files))
    progress("Joining", 1, 1)


def join_slowly(files: Sequence[Path], folder: Path, progress: Progress) -> None:
    """A build that takes its time and notes beside the cache that it ran."""
    with (folder.parent.parent / "builds.log").open("a") as log:
        log.write("build\n")
    time.sleep(0.5)
    join(files, folder, progress)


def tiny_model(build: Build = join, recipe: int = 1, notice: str = "Be kind.\n") -> PackagedModel:
    """The model in the two packages."""
    files = tuple(
        PackagedFile(f"tiny-model-{number}", "1.0", f"tiny{number}/part.bin", len(data), digest_of(data))
        for number, data in enumerate(WORDS, start=1)
    )
    return PackagedModel("tiny", "MIT", 23, files, recipe, build, notice)
