"""LoRA adapters in the network: loaded when first wanted, switched per request; the least recent leave."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from peft import LoraConfig, PeftConfig
from peft.functional import delete_adapter, inject_adapter_in_model, set_adapter, set_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from answering.generation.known_adapters import WEIGHTS, Adapter, KnownAdapters
from knowledge_base.errors import MismatchError, ModelError

_PREFIX = "lora_"
_PROBE = tuple(range(3, 11))
_SLOT = re.compile(r"\.slot_\d+(?=\.)")
_LINES = 2


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Where an adapter's weights stand in the network, and their bytes."""

    slot: str
    size: int


class LoadedAdapters:
    """Adapters in the network of one base model; the least recently used leave memory above `max_bytes`.

    The one in use stays, however large it is. `unloaded` gets the key of each that leaves. Used by the holder
    of the model's lock.
    """

    def __init__(
        self,
        network: PreTrainedModel,
        known: KnownAdapters,
        max_bytes: int,
        unloaded: Callable[[str], None],
    ) -> None:
        self._network = network
        self._known = known
        self._max_bytes = max_bytes
        self._unloaded = unloaded
        self._loaded: OrderedDict[Adapter, _Loaded] = OrderedDict()
        self._count = 0

    @property
    def size(self) -> int:
        """Bytes of all adapters in memory; any thread may ask."""
        return sum(loaded.size for loaded in list(self._loaded.values()))

    def activate(self, adapter: Adapter | None) -> None:
        """Make the network compute with `adapter`, loading it if needed, or with none."""
        if adapter is None:
            self._switch(None)
            return
        if adapter not in self._loaded:
            self._forget_outdated()
            self._load(adapter)
        self._loaded.move_to_end(adapter)
        while self.size > self._max_bytes and len(self._loaded) > 1:
            self._unload(next(iter(self._loaded)))
        self._switch(self._loaded[adapter].slot)

    def _forget_outdated(self) -> None:
        for adapter in [adapter for adapter in self._loaded if adapter not in self._known]:
            self._unload(adapter)

    def _unload(self, adapter: Adapter) -> None:
        delete_adapter(self._network, self._loaded.pop(adapter).slot, prefix=_PREFIX)
        self._unloaded(adapter.key)

    def _load(self, adapter: Adapter) -> None:
        config = _config(adapter)
        weights = _weights(adapter)
        self._count += 1
        slot = f"slot_{self._count}"
        self._switch(None)
        plain = self._probe()
        try:
            with _fitting(adapter):
                inject_adapter_in_model(config, self._network, slot)
                _fill(self._network, weights, slot)
                self._network.train(False).requires_grad_(False)
                self._switch(slot)
                changed = self._probe()
            if torch.equal(plain, changed) or not changed.isfinite().all():
                raise _idle(adapter)
        except (ModelError, MismatchError):
            self._discard(slot)
            raise
        self._loaded[adapter] = _Loaded(slot, _size(self._network, slot))

    def _discard(self, slot: str) -> None:
        if slot in getattr(self._network, "peft_config", {}):
            delete_adapter(self._network, slot, prefix=_PREFIX)

    def _switch(self, slot: str | None) -> None:
        layers = [module for module in self._network.modules() if isinstance(module, BaseTunerLayer)]
        for layer in layers:
            layer.enable_adapters(slot is not None)
        if slot is not None and layers:
            set_adapter(self._network, slot, inference_mode=True)

    @torch.inference_mode()
    def _probe(self) -> torch.Tensor:
        ids = torch.tensor([_PROBE], device=self._network.device)
        logits: torch.Tensor = self._network(input_ids=ids, use_cache=False, logits_to_keep=1).logits
        return logits.clone()


def check_adapter(folder: Path, base: Path) -> None:
    """Compare an adapter with a base model by names and shapes of weights; neither is loaded.

    Raises MismatchError if it was made for another base or lacks weights, ModelError if it cannot be read.
    """
    adapter = Adapter(folder.name, folder, "")
    config, weights = _config(adapter), _weights(adapter)
    if not any(bool(weight.count_nonzero()) for name, weight in weights.items() if "lora_A" not in name):
        raise _idle(adapter)
    try:
        with torch.device("meta"):
            made = AutoConfig.from_pretrained(base, local_files_only=True)
            network = AutoModelForCausalLM.from_config(made)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ModelError(f"The model in {base} cannot be read: {error}", "Copy it again.") from error
    with _fitting(adapter):
        inject_adapter_in_model(config, network, "slot_0", low_cpu_mem_usage=True)
        _fill(network, weights, "slot_0", low_cpu_mem_usage=True)


@contextmanager
def _fitting(adapter: Adapter) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # what stands in a config from elsewhere makes PEFT fail in any way
        raise MismatchError(
            f"The adapter in {adapter.folder} does not fit the base model: {_brief(error)}",
            "Use the base that it was trained on, or train an adapter for this base.",
        ) from error


def _idle(adapter: Adapter) -> ModelError:
    return ModelError(
        f"The adapter in {adapter.folder} changes nothing, or computes no numbers.",
        "Train it again, or remove it.",
    )


def _brief(error: Exception) -> str:
    """The first of many lines, one for each layer; the name of the slot says nothing to a reader."""
    lines = [line.strip() for line in _SLOT.sub("", str(error)).splitlines()]
    return " ".join(lines[:_LINES]) + (" …" if len(lines) > _LINES else "")


def _config(adapter: Adapter) -> LoraConfig:
    try:
        config = PeftConfig.from_pretrained(str(adapter.folder))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ModelError(
            f"The adapter_config.json in {adapter.folder} cannot be read: {error}",
            "Copy the adapter again, or train it again.",
        ) from error
    if not isinstance(config, LoraConfig):
        raise ModelError(
            f"The adapter in {adapter.folder} is of type {config.peft_type}, not LoRA.",
            "Use a LoRA adapter.",
        )
    config.inference_mode = True
    return config


def _weights(adapter: Adapter) -> dict[str, torch.Tensor]:
    try:
        return load_file(adapter.folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"The adapter weights in {adapter.folder} are damaged: {error}",
            "Copy the adapter again, or train it again.",
        ) from error


def _size(network: PreTrainedModel, slot: str) -> int:
    """Bytes of the weights in a slot."""
    return sum(weight.nbytes for name, weight in network.named_parameters() if slot in name.split("."))


def _fill(
    network: PreTrainedModel, weights: dict[str, torch.Tensor], slot: str, low_cpu_mem_usage: bool = False
) -> None:
    result = set_peft_model_state_dict(
        network, weights, adapter_name=slot, low_cpu_mem_usage=low_cpu_mem_usage
    )
    missing_keys, strangers = cast(tuple[list[str], list[str]], result)
    missing = [key for key in missing_keys if slot in key.split(".")]
    if missing or strangers:
        examples = ", ".join([*missing, *strangers][:4])
        raise ValueError(
            f"{len(missing)} of its weights are missing and {len(strangers)} are unknown ({examples})"
        )
