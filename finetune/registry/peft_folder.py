"""Checks, without loading it, that PEFT, vLLM and domainqa can load a folder as a LoRA adapter."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from knowledge_base.errors import ModelError

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"

# They may hold code that runs when they are read; nothing of ours reads or copies them.
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")

_MATRIX = re.compile(r"(?P<layer>.+\.lora_(embedding_)?)(?P<part>[AB])(\.weight)?")


@dataclass(frozen=True, slots=True)
class PeftAdapter:
    """What a PEFT folder says of itself: rank of its matrices, and its base model, "" if it names none."""

    rank: int
    base: str


def check_folder(folder: Path) -> PeftAdapter:
    """Look whether the folder is a LoRA adapter with a readable config and weights that fit together.

    Raises ModelError with what is wrong and what to do; nothing is unpickled, and no weights are read.
    """
    if not (folder / CONFIG).is_file():
        raise ModelError(
            f"The folder {folder} is not an adapter: it has no {CONFIG}.",
            "Name a folder as PEFT saves it, unpacked if it came as an archive.",
        )
    config = _config(folder)
    ranks = _ranks(folder, config)
    shapes = _shapes(folder)
    problem = next(_problems(shapes, ranks, fixed="target_parameters" not in config), None)
    if problem is not None:
        raise ModelError(
            f"The weights in {folder} do not fit its {CONFIG}: {problem}.",
            "Copy both files again from the same training.",
        )
    return PeftAdapter(ranks[0], str(config.get("base_model_name_or_path") or ""))


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
    """The usual rank first, then those of single layers."""
    pattern = config.get("rank_pattern", {})
    ranks = [config.get("r"), *(pattern.values() if isinstance(pattern, dict) else [None])]
    if not all(isinstance(rank, int) and rank > 0 for rank in ranks):
        raise ModelError(
            f"The {CONFIG} in {folder} names no rank: r is {config.get('r')!r}, rank_pattern {pattern!r}.",
            "Copy the adapter again.",
        )
    return [int(rank) for rank in ranks if rank]


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor, from the header of the weights."""
    file = folder / WEIGHTS
    if not file.is_file():
        raise _without_weights(folder)
    try:
        with safe_open(file, framework="numpy") as weights:
            return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"The adapter weights in {folder} are damaged: {error}.", "Copy the adapter again."
        ) from error


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


def _problems(shapes: Mapping[str, tuple[int, ...]], ranks: list[int], fixed: bool) -> Iterator[str]:
    """What does not fit; `fixed` says that ranks are those of the config, as with all layers but experts."""
    matrices = {name: match for name in shapes if (match := _MATRIX.fullmatch(name))}
    pairs: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, match in matrices.items():
        pairs.setdefault(match["layer"], {})[match["part"]] = shapes[name]
    if not pairs:
        yield "there is no LoRA matrix in them"
    for layer, pair in sorted(pairs.items()):
        if len(pair) < len("AB"):
            yield f"{layer}{'B' if 'A' in pair else 'A'} is missing"
        elif min(map(len, pair.values())) < len("ij") or pair["A"][0] != pair["B"][1]:
            yield f"{layer}A has shape {list(pair['A'])} and {layer}B {list(pair['B'])}"
        elif fixed and pair["A"][0] not in ranks:
            yield f"{layer}A has rank {pair['A'][0]}, and the config says {', '.join(map(str, ranks))}"
