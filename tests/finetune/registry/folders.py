"""PEFT folders of a few numbers, made without PEFT."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from finetune.registry.manifest import AdapterReading, Base, Description

LAYERS = ("model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj")
DIGEST = "d" * 64
DESCRIPTION = Description(
    base=Base(id="gemma-3-270m", digest=DIGEST),
    prompt_version=1,
    seeds={"training": 7},
    reading=AdapterReading(mode="together", passages=3),
)


def matrices(seed: int = 0, rank: int = 2) -> dict[str, np.ndarray]:
    """Weights as PEFT names them: a pair of matrices for each layer."""
    numbers = np.random.default_rng(seed)
    shapes = {"A": (rank, 8), "B": (6, rank)}
    return {
        f"base_model.model.{layer}.lora_{part}.weight": numbers.normal(size=shape).astype(np.float32)
        for layer in LAYERS
        for part, shape in shapes.items()
    }


def peft_folder(
    folder: Path, seed: int = 0, weights: Mapping[str, np.ndarray] | None = None, **config: Any
) -> Path:
    """A folder as PEFT saves it; `config` replaces entries of its adapter_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    body = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "base_model_name_or_path": "gemma-3-270m"}
    (folder / "adapter_config.json").write_text(json.dumps(body | config), encoding="utf-8")
    save_file(dict(matrices(seed) if weights is None else weights), folder / "adapter_model.safetensors")
    (folder / "README.md").write_text(f"Adapter {seed}\n", encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
