"""What a folder must be for PEFT and us to load it as a LoRA adapter; checked without its base model."""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from knowledge_base.errors import ModelError

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"

# They may hold code that runs when they are read; nothing of ours reads or copies them.
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")

_MATRIX = re.compile(r"(?P<layer>.+\.lora_(embedding_)?)(?P<part>[AB])(\.weight)?")
_MAGNITUDE = re.compile(r"(?P<layer>.+\.lora_)magnitude_vector(\.weight)?")
_BIAS = re.compile(r".+\.lora_B\.bias")
# Ways to begin a training that change the base model: the adapter then belongs to a base that nobody has.
_CHANGES_BASE = ("pissa", "corda", "olora", "loftq", "lora_ga")
# Numbers by type as integers of their size, and the bits that are all set in an infinity or NaN.
_BITS = {"F64": "<u8", "F32": "<u4", "F16": "<u2", "BF16": "<u2"}
_EXPONENTS = {"F64": 0x7FF << 52, "F32": 0xFF << 23, "F16": 0x1F << 10, "BF16": 0xFF << 7}


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """What a PEFT folder says of itself: rank of its matrices, and its base model, "" if it names none."""

    rank: int
    base: str


def check_folder(folder: Path) -> PeftAdapter:
    """Look whether the folder is a LoRA adapter that can be switched on and off over a base model.

    Config and weights must fit together, every weight must be a finite number, and nothing but LoRA may be
    in it. Raises ModelError with what is wrong and what to do; nothing is unpickled.
    """
    if not (folder / CONFIG).is_file():
        raise ModelError(
            f"The folder {folder} is not an adapter: it has no {CONFIG}.",
            "Name a folder as PEFT saves it, unpacked if it came as an archive.",
        )
    config = _config(folder)
    ranks = _ranks(folder, config)
    if change := _change_of_base(config):
        raise ModelError(
            f"The adapter in {folder} cannot be used: {change}, and the base model is shared.",
            "Train it again as plain LoRA: bias none, nothing in modules_to_save, ordinary initial weights.",
        )
    shapes, broken = _read(folder)
    problem = next(_problems(shapes, ranks, config), broken)
    if problem:
        raise ModelError(
            f"The weights in {folder} do not fit its {CONFIG} or are damaged: {problem}.",
            "Copy both files again from the same training, or train it again.",
        )
    return PeftAdapter(ranks[0], str(config.get("base_model_name_or_path") or ""))


def beyond_plain(folder: Path) -> str:
    """What an adapter has that vLLM does not serve, "" if nothing; `check_folder` has been here before."""
    config = _config(folder)
    if config.get("use_dora"):
        return "DoRA"
    return "biases of its own (lora_bias)" if config.get("lora_bias") else ""


def files_of(folder: Path) -> list[Path]:
    """The files that make up an adapter, by name: no folders, hidden files or pickles."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.is_file() and not file.name.startswith(".") and file.suffix.lower() not in PICKLES
    )


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The {CONFIG} in {folder} cannot be read: {error}.", "Copy the adapter again."
        ) from error
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA":
        raise ModelError(f"The adapter in {folder} is of type {kind}, not LORA.", "Use a LoRA adapter.")
    return {name: value for name, value in config.items() if value is not None}


def _ranks(folder: Path, config: Mapping[str, Any]) -> list[int]:
    """The usual rank first, then those of single layers; scales are looked at too."""
    pattern, scales = config.get("rank_pattern", {}), config.get("alpha_pattern", {})
    ranks = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else [None])]
    if not all(isinstance(rank, int) and rank > 0 for rank in ranks):
        raise ModelError(
            f"The {CONFIG} in {folder} names no rank: r is {config.get('r')!r}, rank_pattern {pattern!r}.",
            "Copy the adapter again.",
        )
    alphas = [config.get("lora_alpha", 1), *(scales.values() if isinstance(scales, dict) else [None])]
    if not all(isinstance(alpha, int | float) and math.isfinite(alpha) for alpha in alphas):
        raise ModelError(
            f"The {CONFIG} in {folder} names no scale: lora_alpha is {config.get('lora_alpha')!r}, "
            f"alpha_pattern {scales!r}.",
            "Copy the adapter again.",
        )
    return [int(rank) for rank in ranks if rank]


def _change_of_base(config: Mapping[str, Any]) -> str:
    """How the adapter changes more than LoRA does; "" if it does not."""
    for field in ("modules_to_save", "trainable_token_indices"):
        if config.get(field):
            return f"it replaces parts of the base model ({field}: {config[field]})"
    if config.get("bias", "none") != "none":
        return f"it replaces biases of the base model (bias: {config['bias']})"
    if config.get("layer_replication"):
        return "it repeats layers of the base model (layer_replication)"
    begun = config.get("init_lora_weights")
    if isinstance(begun, str) and begun.startswith(_CHANGES_BASE):
        return f"its training began with a changed base model (init_lora_weights: {begun})"
    return ""


def _read(folder: Path) -> tuple[dict[str, tuple[int, ...]], str]:
    """Shape of each tensor, and what is wrong with the numbers in them, "" if nothing."""
    file = folder / WEIGHTS
    if not file.is_file():
        raise _without_weights(folder)
    shapes, broken = {}, ""
    try:
        for name, shape, kind, data in _tensors(file):
            shapes[name] = shape
            numbers, exponent = np.frombuffer(data, _BITS.get(kind, "u1")), _EXPONENTS.get(kind)
            if exponent is None:
                broken = broken or f"{name} has numbers of type {kind}"
            elif bool(((numbers & exponent) == exponent).any()):
                broken = broken or f"{name} has numbers that are not finite"
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"The adapter weights in {folder} are damaged: {error}.", "Copy the adapter again."
        ) from error
    return shapes, broken


def _tensors(file: Path) -> Iterator[tuple[str, tuple[int, ...], str, bytes]]:
    """Name, shape, type and bytes of each tensor; NumPy, which starts sooner than torch, has no bfloat16."""
    with safe_open(file, framework="numpy"):  # refuses what is damaged or cut short
        pass
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        for name, entry in json.loads(stream.read(length)).items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                stream.seek(8 + length + begin)
                yield name, tuple(entry["shape"]), entry["dtype"], stream.read(end - begin)


def _without_weights(folder: Path) -> ModelError:
    pickled = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in PICKLES)
    if not pickled:
        return ModelError(f"The adapter folder {folder} has no {WEIGHTS}.", "Copy the adapter again.")
    return ModelError(
        f"The adapter folder {folder} has no {WEIGHTS}, only {', '.join(pickled)}, which may contain code "
        f"that "
        "runs when it is read.",
        "Load it with PEFT where it was trained and save it again: model.save_pretrained(FOLDER).",
    )


def _problems(
    shapes: Mapping[str, tuple[int, ...]], ranks: list[int], config: Mapping[str, Any]
) -> Iterator[str]:
    """What does not fit. Ranks are those of the config with all layers but experts."""
    pairs: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, match in ((name, match) for name in shapes if (match := _MATRIX.fullmatch(name))):
        pairs.setdefault(match["layer"], {})[match["part"]] = shapes[name]
    if not pairs:
        yield "there is no LoRA matrix in them"
    for layer, pair in sorted(pairs.items()):
        if len(pair) < len("AB"):
            yield f"{layer}{'B' if 'A' in pair else 'A'} is missing"
        elif min(map(len, pair.values())) < len("ij") or pair["A"][0] != pair["B"][1]:
            yield f"{layer}A has shape {list(pair['A'])} and {layer}B {list(pair['B'])}"
        elif "target_parameters" not in config and pair["A"][0] not in ranks:
            yield f"{layer}A has rank {pair['A'][0]}, and the config says {', '.join(map(str, ranks))}"
    yield from _others(shapes, pairs.keys(), config)


def _others(names: Collection[str], layers: Collection[str], config: Mapping[str, Any]) -> Iterator[str]:
    """What beside the matrices is missing, or does not belong to a LoRA adapter."""
    magnitudes = {match["layer"] for name in names if (match := _MAGNITUDE.fullmatch(name))}
    biases = [name for name in names if _BIAS.fullmatch(name)]
    if config.get("use_dora") and (missing := sorted(set(layers) - magnitudes)):
        yield f"{missing[0]}magnitude_vector is missing, and the config says use_dora"
    if magnitudes and not config.get("use_dora"):
        yield "there are magnitude vectors, and the config does not say use_dora"
    if bool(biases) != bool(config.get("lora_bias")):
        yield f"there are {len(biases)} biases of LoRA layers, and lora_bias is {config.get('lora_bias')}"
    for name in names:
        if not (_MATRIX.fullmatch(name) or _MAGNITUDE.fullmatch(name) or _BIAS.fullmatch(name)):
            yield f"{name} is no part of LoRA; it would replace a part of the base model"
