"""Tiny models, made once for all tests of generation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.answering.generation.tiny import save_adapter, save_model

Maker = Callable[[str], Path]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """The folder of a tiny model of a named architecture, made when first asked for."""
    made: dict[str, Path] = {}

    def folder(architecture: str) -> Path:
        if architecture not in made:
            made[architecture] = save_model(tmp_path_factory.mktemp(architecture), architecture)
        return made[architecture]

    return folder


@pytest.fixture(scope="session")
def gemma(tiny: Maker) -> Path:
    """A tiny Gemma 3: sliding windows of 24 tokens, a full layer, tied embeddings, one key head."""
    return tiny("gemma3_text")


@pytest.fixture(scope="session")
def bank_adapter(gemma: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the tiny Gemma."""
    return save_adapter(tmp_path_factory.mktemp("adapter") / "bank", gemma)
