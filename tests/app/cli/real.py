"""`domainqa` over a real home with a small bank in it; only the models are fakes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from answering.generation.protocol import Request
from app.cli import cli
from app.cli.state import State
from app.settings import Settings
from app.workspace import Workspace
from tests.fakes import FakeEmbedder, FakeGenerator, last_words
from tests.finetune.bank import write_documents

Reply = Callable[[Request], str]


class RealHome:
    """Runs commands in one home; `model` is what its settings call the generator."""

    def __init__(
        self, folder: Path, model: Path, reply: Reply = last_words, adapters: Sequence[str] = ()
    ) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        settings = f'generator = "{model}"\nread_k = 2\n'
        (self.home / "settings.toml").write_text(settings, encoding="utf-8")
        self.generator = FakeGenerator(reply, adapters=adapters)
        self.run("ingest", str(write_documents(folder / "documents")))

    def open(self, settings: Settings) -> Workspace:
        return Workspace(settings, FakeEmbedder(), self.generator)

    def run(self, *words: str) -> Any:
        return CliRunner().invoke(cli, words, obj=State(home=self.home, open=self.open))
