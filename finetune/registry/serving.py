"""Makes adapters available to the generator that answers: checked, loaded, each with its way of reading."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from answering.answer import Reading
from answering.generation.protocol import Generator
from answering.references import BASE
from finetune.files import model_digest
from finetune.registry.entry import Entry, check_fits
from finetune.registry.peft_folder import WEIGHTS
from retrieval.prompt import PROMPT_VERSION
from retrieval.storage import translate_errors


@runtime_checkable
class AdapterHost(Protocol):
    """A generator that takes adapters from folders: it loads them, or serves those of the same names."""

    @property
    def base(self) -> Path | None:
        """The folder of the base model; None where a server has it."""
        ...

    def add_adapter(self, name: str, folder: Path, version: str) -> None:
        """Make a PEFT folder known as `name`; another `version` takes the place of the one before."""
        ...


@dataclass(frozen=True, slots=True)
class _Served:
    """An adapter that the generator knows: the identity of its weights, and how it reads."""

    stamp: str
    reading: Reading


class ServedAdapters:
    """Adapters on one generator, each checked before its first answer. Safe for many threads.

    Every version has a name of its own there, so an answer ends on the version that started it,
    whatever is promoted meanwhile; what is no longer used leaves memory by itself.
    """

    def __init__(self, generator: Generator, reading: Reading) -> None:
        self._generator = generator
        self.usual = reading
        self._served: dict[str, _Served] = {}
        self._base_digest: str | None = None
        self._lock = threading.Lock()

    def serve(self, entry: Entry | None) -> str:
        """Make an adapter ready to answer; returns its name at the generator, such as "bank@3".

        Raises MismatchError if it was made for another base model or prompt or does not fit the base,
        ModelError if it is damaged.
        """
        if entry is None:
            return BASE
        stamp = _stamp(entry)
        if not self._is_served(entry, stamp):
            with self._lock:
                if not self._is_served(entry, stamp):
                    self._served[entry.reference] = self._prepared(entry, stamp)
        return entry.reference

    def reading(self, adapter: str | None) -> Reading:
        """How passages are read with what `serve` returned; None is the base model."""
        served = self._served.get(adapter or BASE)
        return served.reading if served else self.usual

    def _is_served(self, entry: Entry, stamp: str) -> bool:
        served = self._served.get(entry.reference)
        return served is not None and served.stamp == stamp

    def _prepared(self, entry: Entry, stamp: str) -> _Served:
        check_fits(entry, self._digest_for(entry), PROMPT_VERSION)
        self._check_foreign(entry)
        reading = reading_of(entry, self.usual)
        if isinstance(self._generator, AdapterHost):
            self._generator.add_adapter(entry.reference, entry.folder, stamp)
        return _Served(stamp, reading)

    def _check_foreign(self, entry: Entry) -> None:
        """What does not tell the digest of its base may be for another, or lack layers."""
        base = self._generator.base if isinstance(self._generator, AdapterHost) else None
        told = entry.manifest and entry.manifest.base and entry.manifest.base.digest
        if base is not None and not told:
            from answering.generation.adapters import check_adapter  # PEFT is not needed for others

            check_adapter(entry.folder, base)

    def _digest_for(self, entry: Entry) -> str | None:
        """Digest of the loaded base model, if the adapter asks for one and the generator has it here."""
        asks = entry.manifest and entry.manifest.base and entry.manifest.base.digest
        base = self._generator.base if isinstance(self._generator, AdapterHost) else None
        if asks and base and self._base_digest is None:
            self._base_digest = model_digest(base)
        return self._base_digest


def reading_of(entry: Entry, usual: Reading) -> Reading:
    """How passages are read with an adapter: as its manifest says, otherwise as usual."""
    stored = entry.manifest.reading if entry.manifest else None
    return usual if stored is None else stored.over(usual, entry.reference)


def _stamp(entry: Entry) -> str:
    """Tells weights apart: their SHA-256 where a manifest names it, else the size and date of the file."""
    if entry.manifest is not None and WEIGHTS in entry.manifest.files:
        return entry.manifest.files[WEIGHTS]
    with translate_errors(entry.folder):
        state = (entry.folder / WEIGHTS).stat()
    return f"{state.st_size:x}.{state.st_mtime_ns:x}"
