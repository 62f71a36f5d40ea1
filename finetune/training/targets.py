"""Which layers an adapter changes: chosen for any architecture, and checked before anything heavy begins."""

from collections.abc import Mapping, Sequence
from typing import Literal

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from knowledge_base.errors import InputError


def linear_layers(network: PreTrainedModel) -> dict[str, tuple[int, int]]:
    """Full name of each linear layer but the head, with its inputs and outputs; GPT-2's Conv1D is one too."""
    head = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    return {
        name: _shape(module)
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not head
    }


def choose_targets(network: PreTrainedModel, wanted: Sequence[str] | Literal["auto"], rank: int) -> list[str]:
    """The last parts of the names of the layers to adapt, sorted.

    Raises InputError for a name that no linear layer has (it lists those that there are), and for a rank
    that is larger than a chosen layer.
    """
    layers = linear_layers(network)
    known = sorted({name.rpartition(".")[2] for name in layers})
    chosen = known if wanted == "auto" else sorted(set(wanted))
    if strangers := [name for name in chosen if name not in known]:
        raise InputError(
            f"The model has no linear layers named {', '.join(strangers)}.",
            f'Choose among {", ".join(known) or "none: it has no linear layers"}, or "auto" for all.',
        )
    if not chosen:
        raise InputError("No layers to adapt were named.", f'Choose among {", ".join(known)}, or "auto".')
    _check_rank(layers, chosen, rank)
    return chosen


def _check_rank(layers: Mapping[str, tuple[int, int]], chosen: Sequence[str], rank: int) -> None:
    sides = {name: min(shape) for name, shape in layers.items() if name.rpartition(".")[2] in chosen}
    smallest = min(sides, key=lambda name: sides[name])
    if rank > sides[smallest]:
        raise InputError(
            f"The rank {rank} is larger than the layer {smallest}, whose smaller side is {sides[smallest]}.",
            f"Use a rank of at most {sides[smallest]}, or leave this layer out.",
        )


def _shape(module: nn.Module) -> tuple[int, int]:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    weight = module.weight  # Conv1D keeps it the other way round
    assert isinstance(weight, nn.Parameter)
    return weight.shape[0], weight.shape[1]
