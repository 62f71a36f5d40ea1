"""A registry, and an adapter to put into it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from finetune.registry.registry import Registry
from tests.finetune.registry.folders import peft_folder


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a place: waiting for a disk would only make the tests slower."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture
def registry(place: Path) -> Registry:
    return Registry(place / "adapters")


@pytest.fixture
def adapter(place: Path) -> Path:
    return peft_folder(place / "made")
