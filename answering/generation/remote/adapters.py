"""Adapters at a server: those that it lists, and those that it loads when it is asked to, as vLLM does."""

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from answering.generation.remote.background import wait_for
from answering.generation.remote.server import Server
from knowledge_base.errors import InputError, ModelError, NotFoundError, UnavailableError

_LOAD, _UNLOAD = "/load_lora_adapter", "/unload_lora_adapter"
# Adapters of ours that stay loaded: those of a few collections, and the versions before them.
_KEPT = 8


@dataclass(frozen=True, slots=True)
class _Offered:
    """An adapter that may be loaded: a PEFT folder, which the server finds under the same path."""

    folder: Path
    version: str


async def models_of(server: Server) -> list[str]:
    """Names that requests can use, base models and adapters alike; none if the server does not tell."""
    try:
        found = await server.get("/models")
    except NotFoundError:
        return []
    try:
        return [str(model["id"]) for model in found["data"] or ()]  # type: ignore[index]
    except (LookupError, TypeError) as error:
        raise UnavailableError(
            f"What answers at {server.endpoint.url} does not list models as OpenAI's protocol says.",
            "Correct generator_url in the settings: the address of the server, with /v1.",
        ) from error


async def can_load(server: Server) -> bool:
    """Whether the server loads adapters when it is asked to; found out by a request that names none."""
    try:
        await server.post(_LOAD, {})
    except NotFoundError:
        return False
    except InputError:
        pass  # it has looked for the name
    return True


class RemoteAdapters:
    """Makes sure that the server knows an adapter before it is asked for it. Safe for many threads.

    Adapters are loaded under the name that requests use, such as "bank@3". Of those that were loaded from
    here the least recently used is unloaded when there are too many; it comes back when it is asked for.
    """

    def __init__(self, server: Server, kept: int = _KEPT) -> None:
        self._server = server
        self._kept = kept
        self._offered: dict[str, _Offered] = {}
        self._there: set[str] = set()
        self._loaded: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, name: str, folder: Path, version: str) -> None:
        """Offer an adapter and make it ready; another version of the name takes the place of the one before.

        Raises NotFoundError if the server neither lists nor loads it, ModelError if it cannot load it.
        """
        with self._lock:
            self._offered[name] = _Offered(folder.absolute(), version)
            if self._loaded.get(name, version) != version:
                self._unload(name)
            self._ready(name)

    def ready(self, name: str) -> None:
        """Make sure that a request can use `name`; NotFoundError lists the names that it can."""
        with self._lock:
            self._ready(name)

    def lost(self, name: str) -> None:
        """The server does not know `name` any more: it was started anew, or somebody has unloaded it."""
        with self._lock:
            self._there.discard(name)
            self._loaded.pop(name, None)

    def _ready(self, name: str) -> None:
        if name not in self._there:
            self._there = set(wait_for(models_of(self._server)))
        if name not in self._there:
            self._load(name)
        if name in self._loaded:
            self._loaded.move_to_end(name)

    def _load(self, name: str) -> None:
        offered = self._offered.get(name)
        if offered is None:
            raise NotFoundError(
                f'The generator at {self._server.endpoint.url} serves no adapter named "{name}". It serves: '
                f"{', '.join(sorted(self._there)) or 'nothing that it lists'}.",
                "Choose one of them, or leave the adapter out to use the base model.",
            )
        try:
            wait_for(self._server.post(_LOAD, {"lora_name": name, "lora_path": str(offered.folder)}))
        except NotFoundError as error:
            raise NotFoundError(
                f"The generator at {self._server.endpoint.url} does not serve the adapter {name}, and it "
                "loads none.",
                f"Start it with that adapter under this name (vLLM: --enable-lora, and --lora-modules "
                f"{name}={offered.folder} or VLLM_ALLOW_RUNTIME_LORA_UPDATING=1), or ask the base model.",
            ) from error
        except (InputError, UnavailableError) as error:
            raise ModelError(
                f"The generator could not load the adapter {name}. {error.cause}",
                f"The server must find {offered.folder} under the same path, and allow adapters of its rank.",
            ) from error
        self._there.add(name)
        self._loaded[name] = offered.version
        while len(self._loaded) > self._kept:
            self._unload(next(iter(self._loaded)))

    def _unload(self, name: str) -> None:
        with suppress(NotFoundError, InputError):  # it is gone already
            wait_for(self._server.post(_UNLOAD, {"lora_name": name}))
        self._there.discard(name)
        self._loaded.pop(name, None)
