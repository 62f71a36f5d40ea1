"""A bank in a home of its own, searched by a fake embedder and answered by a tiny model."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from app.settings import Settings, load_settings
from app.workspace import Workspace
from tests.answering.generation.tiny import save_model
from tests.fakes import FakeEmbedder, FakeGenerator
from tests.finetune.bank import write_documents, write_pairs

Open = Callable[[], Workspace]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that reads prompts as long as ours: its tokens are hardly more than letters."""
    folder = save_model(tmp_path_factory.mktemp("model"), "llama")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 8192}))
    return folder


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No shipped adapters, one thread."""
    monkeypatch.setattr("app.adapters.SHIPPED", tmp_path / "nothing")
    torch.set_num_threads(1)


@pytest.fixture
def settings(tmp_path: Path, model: Path) -> Settings:
    """Short answers from few passages."""
    home = tmp_path / "home"
    return load_settings({"home": home, "generator": str(model), "max_new_tokens": 4, "read_k": 2})


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """The bank's documents."""
    return write_documents(tmp_path / "documents")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """A file of pairs about them."""
    return write_pairs(tmp_path / "fees.jsonl")


@pytest.fixture
def workspace(settings: Settings, documents: Path) -> Iterator[Workspace]:
    """The bank, with a generator that is a fake; it is never trained."""
    with Workspace(settings, FakeEmbedder(), FakeGenerator()) as workspace:
        workspace.ingest(documents, "bank")
        yield workspace


@pytest.fixture
def trainable(settings: Settings, documents: Path) -> Iterator[Workspace]:
    """The bank with the tiny model."""
    with Workspace(settings, FakeEmbedder()) as workspace:
        workspace.ingest(documents, "bank")
        yield workspace
