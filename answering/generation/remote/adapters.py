"""Adapters at a server: those that it lists, and those that it loads on request, as vLLM does."""

import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from answering.generation.portal import wait_for
from answering.generation.protocol import Cancelled, never
from answering.generation.remote.client import Client
from answering.generation.remote.errors import protocol_error
from knowledge_base.errors import InputError, ModelError, NotFoundError, UnavailableError

_LOAD, _UNLOAD = "/load_lora_adapter", "/unload_lora_adapter"
# Adapters of ours that stay loaded: those of a few collections, and the versions before them.
_KEPT = 8


async def models_of(client: Client) -> dict[str, dict[str, object]]:
    """What the server lists by name, base models and adapters alike; nothing if it lists none."""
    try:
        found = await client.get("/models")
    except NotFoundError:
        return {}
    try:
        return {str(model["id"]): dict(model) for model in found["data"] or ()}  # type: ignore[index]
    except (LookupError, TypeError, ValueError) as error:
        raise protocol_error(client.endpoint).error from error


async def can_load(client: Client) -> bool:
    """Whether the server loads adapters on request; found out by a request that names none."""
    try:
        await client.post(_LOAD, {})
    except NotFoundError:
        return False
    except InputError:
        pass  # it has looked for the name
    return True


class RemoteAdapters:
    """Makes sure that the server knows an adapter before a request names it. Safe for many threads.

    Adapters are loaded under the name that requests use, such as "bank@3". Of those that were loaded from
    here the least recently used is unloaded when there are too many; it is loaded again when it is needed.
    """

    def __init__(self, client: Client, kept: int = _KEPT) -> None:
        self._client = client
        self._kept = kept
        self._offered: dict[str, tuple[Path, str]] = {}
        self._served: set[str] = set()
        self._loaded: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, name: str, folder: Path, version: str) -> None:
        """Offer a PEFT folder that the server finds under the same path, and load it as `name`.

        Another version of the name replaces the one before. Raises NotFoundError if the server neither lists
        nor loads it, ModelError if it cannot load it.
        """
        with self._lock:
            self._offered[name] = (folder.absolute(), version)
            if self._loaded.get(name, version) != version:
                self._unload(name)
            self._prepare(name, never)

    def prepare(self, name: str, cancelled: Cancelled = never) -> None:
        """Make sure that a request can use `name`; NotFoundError lists the names that it can.

        Raises CancelledError once `cancelled()`.
        """
        with self._lock:
            self._prepare(name, cancelled)

    def lost(self, name: str) -> None:
        """The server does not know `name` any more: it was restarted, or somebody has unloaded it."""
        with self._lock:
            self._served.discard(name)
            self._loaded.pop(name, None)

    def _prepare(self, name: str, cancelled: Cancelled) -> None:
        if name not in self._served:
            self._served = set(wait_for(models_of(self._client), cancelled))
        if name not in self._served:
            self._load(name, cancelled)
        if name in self._loaded:
            self._loaded.move_to_end(name)

    def _load(self, name: str, cancelled: Cancelled) -> None:
        server = f"The generator at {self._client.endpoint.url}"
        if name not in self._offered:
            served = ", ".join(sorted(self._served)) or "nothing that it lists"
            raise NotFoundError(
                f'{server} serves no adapter named "{name}". It serves: {served}.',
                "Choose one of them, or leave the adapter out to use the base model.",
            )
        folder, version = self._offered[name]
        try:
            body = {"lora_name": name, "lora_path": str(folder)}
            wait_for(self._client.post(_LOAD, body), cancelled)
        except NotFoundError as error:
            raise NotFoundError(
                f"{server} does not serve the adapter {name}, and it cannot load adapters.",
                f"Start it with that adapter under this name (vLLM: --enable-lora, and --lora-modules "
                f"{name}={folder} or VLLM_ALLOW_RUNTIME_LORA_UPDATING=1), or ask the base model.",
            ) from error
        except (InputError, UnavailableError) as error:
            raise ModelError(
                f"The generator could not load the adapter {name}. {error.cause}",
                f"The server must find {folder} under the same path, and allow adapters of its rank.",
            ) from error
        self._served.add(name)
        self._loaded[name] = version
        while len(self._loaded) > self._kept:
            self._unload(next(iter(self._loaded)))

    def _unload(self, name: str) -> None:
        with suppress(NotFoundError, InputError):  # it is gone already
            wait_for(self._client.post(_UNLOAD, {"lora_name": name}))
        self._served.discard(name)
        self._loaded.pop(name, None)
