"""What the files of a BERT encoder say of it before torch is imported, which takes seconds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open

Pooling = Literal["mean", "cls"]

WEIGHTS = "model.safetensors"
_WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of an encoder: `width` is the length of a vector, `positions` how many tokens it reads."""

    layers: int
    heads: int
    width: int
    positions: int
    epsilon: float
    first_position: int
    pooling: Pooling


def describe(folder: Path) -> Shape | None:
    """The shape of a model that `BertEncoder` computes exactly, or None for any other.

    Raises SafetensorError if the weights are damaged.
    """
    if not (folder / WEIGHTS).is_file():
        return None
    config = read_json(folder / "config.json")
    positions = {"bert": 0, "xlm-roberta": config.get("pad_token_id", 1) + 1}
    pooling = _pooling(folder)
    if config.get("model_type") not in positions or config.get("hidden_act") != "gelu" or pooling is None:
        return None
    if config.get("position_embedding_type", "absolute") != "absolute":
        return None
    with safe_open(folder / WEIGHTS, "numpy") as weights:
        names = {plain_name(name): name for name in weights.keys()}  # noqa: SIM118 - it is no mapping
        width = weights.get_slice(names[_WORDS]).get_shape()[1]
    first = positions[config["model_type"]]
    limit = read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    most = config["max_position_embeddings"] - first
    return Shape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        width=width,
        positions=min(limit or most, most),
        epsilon=config["layer_norm_eps"],
        first_position=first,
        pooling=pooling,
    )


def plain_name(name: str) -> str:
    """A tensor's name from "embeddings." or "encoder." on, as some checkpoints say "bert.embeddings."."""
    return name.removeprefix("bert.").removeprefix("roberta.")


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """The content of a file that need not be there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _pooling(folder: Path) -> Pooling | None:
    """How the modules of sentence-transformers pool, or None if they do anything else than pool and norm."""
    modules = read_json(folder / "modules.json") or []
    kinds = [module["type"].rpartition(".")[2] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    config = read_json(folder / modules[1]["path"] / "config.json")
    if not config.get("include_prompt", True):
        return None
    modes = {name for name, chosen in config.items() if name.startswith("pooling_mode_") and chosen is True}
    if "pooling_mode" in config:
        modes = {f"pooling_mode_{config['pooling_mode']}"}
    known: dict[frozenset[str], Pooling] = {
        frozenset({"pooling_mode_mean_tokens"}): "mean",
        frozenset({"pooling_mode_mean"}): "mean",
        frozenset({"pooling_mode_cls_token"}): "cls",
        frozenset({"pooling_mode_cls"}): "cls",
    }
    return known.get(frozenset(modes))
