"""Which adapter answers a question, and how passages are read with it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from answering.answer import Reading
from answering.generation.protocol import Generator
from answering.references import BASE
from answering.sufficiency import SIGNALS, Calibration
from app.settings import Settings
from finetune import shipped
from finetune.registry.digests import weights_digest
from finetune.registry.entry import Entry, check_fits
from finetune.registry.manifest import StoredCalibration, StoredReading
from finetune.registry.peft_folder import WEIGHTS
from finetune.registry.registry import Registry
from knowledge_base.errors import MismatchError
from retrieval.prompt import PROMPT_VERSION
from retrieval.storage import translate_errors

SHIPPED = Path(shipped.__path__[0])


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


def open_registry(
    settings: Settings,
    generator: Generator | None = None,
    serve: Callable[[Entry], object] | None = None,
) -> Registry:
    """The adapters of the home, over those that are shipped.

    A generator that is given in place of the one of the settings is offered the shipped ones only if it
    loads adapters from folders. Where another server generates, it loads a version before that becomes live:
    by `serve`, or through a connection of its own.
    """
    hosted = generator is None or isinstance(generator, AdapterHost)
    remote = settings.generator_url is not None
    before = (serve or partial(_offer, settings)) if remote else None
    return Registry(settings.home / "adapters", SHIPPED if hosted else None, settings.wait_seconds, before)


def _offer(settings: Settings, entry: Entry) -> None:
    from app.factories import build_generator, build_reading

    ServedAdapters(build_generator(settings), build_reading(settings)).serve(entry)


def choices(registry: Registry, settings: Settings, collection: str) -> list[str]:
    """What a question can name, the one that answers by default first: "base" and the names of adapters."""
    names = [BASE, *(name for name in registry.names() if registry.serves(name))]
    return list(dict.fromkeys([default(registry, settings, collection), *names]))


def default(registry: Registry, settings: Settings, collection: str) -> str:
    """What answers a question that names no adapter.

    The adapter of the collection's name, if one is live; else that of the settings; else the first shipped
    one that was trained for the generator of the settings; else the base model.
    """
    if registry.serves(collection):
        return collection
    if settings.adapter:
        return settings.adapter
    fitting = (name for name in registry.shipped_names() if _is_for(registry, name, settings.generator))
    return next(fitting, BASE)


def choose(registry: Registry, settings: Settings, name: str | None, collection: str) -> Entry | None:
    """The adapter that answers a question, as it is live at this moment; None is the base model.

    Raises NotFoundError, with the names that there are, and InputError for what cannot be a name.
    """
    wanted = name or default(registry, settings, collection)
    return None if wanted == BASE else registry.find(wanted)


def _is_for(registry: Registry, name: str, generator: str) -> bool:
    if not registry.serves(name):
        return False
    made = registry.find(name).manifest
    return made is not None and made.base is not None and made.base.id == generator


@dataclass(frozen=True, slots=True)
class _Served:
    """An adapter that the generator knows: what tells its weights apart, and how it reads."""

    stamp: str
    reading: Reading


class ServedAdapters:
    """Adapters on one generator, each checked before its first answer. Safe for many threads.

    Every version has a name of its own there, so an answer that was begun ends on the version that began it,
    whatever is promoted meanwhile; what is no longer used leaves memory by itself.
    """

    def __init__(self, generator: Generator, reading: Reading) -> None:
        self._generator = generator
        self._reading = reading
        self._served: dict[str, _Served] = {}
        self._base_digest: str | None = None
        self._lock = threading.Lock()

    def serve(self, entry: Entry | None) -> str:
        """Make an adapter ready to answer; returns its name at the generator, such as "bank@3".

        Raises MismatchError if it was made for another base model or prompt, ModelError if it is damaged.
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
        return served.reading if served else self._reading

    def _is_served(self, entry: Entry, stamp: str) -> bool:
        served = self._served.get(entry.reference)
        return served is not None and served.stamp == stamp

    def _prepared(self, entry: Entry, stamp: str) -> _Served:
        check_fits(entry, self._digest_for(entry), PROMPT_VERSION)
        reading = reading_of(entry, self._reading)
        if isinstance(self._generator, AdapterHost):
            self._generator.add_adapter(entry.reference, entry.folder, stamp)
        return _Served(stamp, reading)

    def _digest_for(self, entry: Entry) -> str | None:
        """Digest of the loaded base model, if the adapter asks for one and the generator has it here."""
        asks = entry.manifest and entry.manifest.base and entry.manifest.base.digest
        base = self._generator.base if isinstance(self._generator, AdapterHost) else None
        if asks and base and self._base_digest is None:
            self._base_digest = weights_digest(base)
        return self._base_digest


def reading_of(entry: Entry, usual: Reading) -> Reading:
    """How passages are read with an adapter: as its manifest says, otherwise as usual; see `reading_from`."""
    stored = entry.manifest.reading if entry.manifest else None
    return usual if stored is None else reading_from(stored, usual, entry.reference)


def reading_from(stored: StoredReading, usual: Reading, adapter: str) -> Reading:
    """How passages are read with the adapter of that name; what it does not say is as usual.

    Raises MismatchError if its calibration weighs signals that this program does not know.
    """
    calibrations = {variant: _calibration(adapter, one) for variant, one in stored.calibrations.items()}
    return replace(
        usual,
        mode=stored.mode,
        passages=stored.passages or usual.passages,
        focus=stored.focus,
        examples=stored.examples,
        scored=calibrations.get("scored", usual.scored),
        unscored=calibrations.get("unscored", usual.unscored),
    )


def _calibration(adapter: str, stored: StoredCalibration) -> Calibration:
    unknown = sorted(set(stored.weights) - set(SIGNALS))
    if unknown:
        raise MismatchError(
            f"The calibration of the adapter {adapter} weighs unknown signals: {', '.join(unknown)}.",
            "Update domainqa, or train the adapter again: domainqa retrain.",
        )
    return Calibration(stored.weights, stored.bias, stored.threshold, stored.sure)


def _stamp(entry: Entry) -> str:
    """Tells weights apart: their SHA-256 where a manifest names it, else the size and date of the file."""
    if entry.manifest is not None and WEIGHTS in entry.manifest.files:
        return entry.manifest.files[WEIGHTS]
    with translate_errors(entry.folder):
        state = (entry.folder / WEIGHTS).stat()
    return f"{state.st_size:x}.{state.st_mtime_ns:x}"
