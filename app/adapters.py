"""Which adapter answers a question."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from answering.generation.protocol import Generator
from answering.references import BASE
from app.factories import build_generator, build_reading, model_folder, runs_in_process
from app.settings import Settings
from finetune import shipped
from finetune.files import model_digest
from finetune.registry.entry import Entry, check_fits
from finetune.registry.peft_folder import beyond_plain, check_folder
from finetune.registry.registry import Registry
from finetune.registry.serving import AdapterHost, ServedAdapters
from knowledge_base.errors import DomainqaError, ModelError
from retrieval.prompt import PROMPT_VERSION

SHIPPED = Path(shipped.__path__[0])


def open_registry(
    settings: Settings,
    generator: Generator | None = None,
    serve: Callable[[Entry], object] | None = None,
) -> Registry:
    """The adapters of the home, over those that are shipped.

    A generator that is given in place of the one of the settings is offered the shipped ones only if it
    loads adapters from folders. A version is judged before it becomes live. Where another server generates,
    it loads the version: by `serve`, or through a connection of its own.
    """
    hosted = generator is None or isinstance(generator, AdapterHost)
    before = None
    if settings.generator_url is not None:
        before = partial(_offer, settings, serve)
    elif generator is None and runs_in_process(settings):
        before = partial(judge, settings)
    return Registry(settings.home / "adapters", SHIPPED if hosted else None, settings.wait_seconds, before)


def judge(settings: Settings, entry: Entry) -> None:
    """Look whether an adapter can answer over the generator of the settings, which is not loaded for it.

    Raises MismatchError if it was made for another base model or prompt, ModelError if it is damaged.
    """
    if not runs_in_process(settings):
        check_fits(entry, None, PROMPT_VERSION)
        return
    from answering.generation.adapters import check_adapter

    base = model_folder(settings.generator, settings.models_cache)
    check_fits(entry, model_digest(base), PROMPT_VERSION)
    check_adapter(entry.folder, base)


def _offer(settings: Settings, serve: Callable[[Entry], object] | None, entry: Entry) -> None:
    check_folder(entry.folder)
    if beyond := beyond_plain(entry.folder):
        raise ModelError(
            f"The adapter {entry.reference} uses {beyond}, which servers such as vLLM do not load.",
            "Train it as plain LoRA, or let domainqa itself run the model.",
        )
    if serve is None:
        serve = ServedAdapters(build_generator(settings), build_reading(settings)).serve
    serve(entry)


def choices(registry: Registry, settings: Settings, collection: str) -> list[str]:
    """What a question can name, the one that answers by default first: "base" and the names of adapters."""
    return list(dict.fromkeys([default(registry, settings, collection), BASE, *registry.live_names()]))


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


def problems_of_live(registry: Registry, judged: Callable[[Entry], object]) -> dict[str, DomainqaError]:
    """Adapters that should answer and cannot, by name, each with the reason that `judged` raises."""
    problems = {}
    for name in registry.live_names():
        try:
            judged(registry.find(name))
        except DomainqaError as error:
            problems[name] = error
    return problems


def _is_for(registry: Registry, name: str, generator: str) -> bool:
    if not registry.serves(name):
        return False
    made = registry.find(name).manifest
    return made is not None and made.base is not None and made.base.id == generator
