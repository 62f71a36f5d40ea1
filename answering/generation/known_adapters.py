"""LoRA adapters by name: their folders, known before any weights are loaded."""

from dataclasses import dataclass
from pathlib import Path

from knowledge_base.errors import ModelError, NotFoundError

WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class Adapter:
    """One version of a named adapter, in a PEFT folder."""

    name: str
    folder: Path
    version: str

    @property
    def key(self) -> str:
        """What no other version has, also none of another name."""
        return f"{self.name}@{self.version}"


class KnownAdapters:
    """The version that each name stands for now. May be used by many threads."""

    def __init__(self) -> None:
        self._by_name: dict[str, Adapter] = {}

    def __contains__(self, adapter: Adapter) -> bool:
        """Whether this very version is what its name stands for."""
        return self._by_name.get(adapter.name) == adapter

    def add(self, name: str, folder: Path, version: str) -> None:
        """Make `name` known, or give it a new version; ModelError if the folder is no PEFT adapter."""
        for file in ("adapter_config.json", WEIGHTS):
            if not (folder / file).is_file():
                raise ModelError(
                    f"The adapter folder {folder} has no {file}.",
                    "Name a folder as PEFT saves it, with safetensors weights.",
                )
        self._by_name[name] = Adapter(name, folder, version)

    def find(self, name: str | None) -> Adapter | None:
        """The adapter of that name, None for the base model; NotFoundError lists the known names."""
        if name is None:
            return None
        known = self._by_name.get(name)
        if known is None:
            names = ", ".join(sorted(self._by_name)) or "none"
            raise NotFoundError(
                f'There is no adapter named "{name}". Known adapters: {names}.',
                "Choose one of them, or leave the adapter out to use the base model.",
            )
        return known
