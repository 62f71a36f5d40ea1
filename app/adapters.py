"""Which adapter answers a question."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from answering.generation.protocol import Generator
from answering.references import BASE
from app.settings import Settings
from finetune import shipped
from finetune.registry.entry import Entry
from finetune.registry.registry import Registry
from finetune.registry.serving import AdapterHost, ServedAdapters

SHIPPED = Path(shipped.__path__[0])


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
