"""The base model with a fresh or continued adapter in it, and the loss of a packed sequence."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers import AutoConfig, AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.pytorch_utils import Conv1D
from transformers.utils.logging import disable_progress_bar

from finetune.settings import TrainSettings
from finetune.training.attention import attention_for
from finetune.training.packing import Encoded, PackedSequence
from finetune.training.vocabulary import last_states, nats_of, summed
from knowledge_base.errors import InputError, ModelError

# Tokens from which layers are computed twice: a single long sample, whose layers hold gigabytes else.
_LONG = 1536
Mask = torch.Tensor | dict[str, torch.Tensor]


def load_base(folder: Path, device: str, four_bit: bool = False) -> PreTrainedModel:
    """The frozen base: bf16 on CUDA (or four bits), fp32 on a processor, whose bf16 may be only imitated.

    Raises:
        ModelError: if the folder holds no weights or cannot be loaded.
        InputError: if four bits are asked for where there is no CUDA.
    """
    if four_bit and not device.startswith("cuda"):
        raise InputError(
            f"A base model in 4 bits needs CUDA; the device is {device}.",
            "Leave out four_bit: small models fit in memory without it.",
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The model folder {folder} holds no weights (*.safetensors).",
            "Copy the folder again, or convert older .bin weights to safetensors.",
        )
    disable_progress_bar()  # type: ignore[no-untyped-call]
    half = device.startswith("cuda")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        network: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=torch.bfloat16 if half else torch.float32,
            local_files_only=True,
            attn_implementation="sdpa" if half else attention_for(config),
            quantization_config=_four_bit() if four_bit else None,
            device_map=device if four_bit else None,
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"The model in {folder} cannot be loaded: {error}",
            "Use the folder of a causal language model with config and safetensors weights.",
        ) from error
    if not four_bit:
        torch.nn.Module.to(network, device)
    return network.requires_grad_(False)


def _four_bit() -> BitsAndBytesConfig:
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def adapted(network: PreTrainedModel, settings: TrainSettings) -> PeftModel:
    """The base with an untrained adapter, whose weights are fp32; the seed decides how they begin."""
    targets = choose_targets(network, settings.targets, settings.rank)
    torch.manual_seed(settings.seed)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        use_rslora=settings.variant == "rslora",
        use_dora=settings.variant == "dora",
        target_modules=targets,
    )
    model: PeftModel = get_peft_model(network, config)
    return model


def continued(network: PreTrainedModel, folder: Path) -> PeftModel:
    """The base with the adapter of a folder, to be trained further; its rank, layers and variant hold.

    Raises ModelError if it cannot be loaded onto this base.
    """
    try:
        return PeftModel.from_pretrained(network, folder, is_trainable=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"Training cannot continue from the adapter in {folder}: {error}",
            "Train a fresh adapter: --set start=base",
        ) from error


def sequence_loss(network: PreTrainedModel, sequence: PackedSequence) -> torch.Tensor:
    """Cross-entropy of all reply tokens of a packed sequence, summed, in nats: a scalar tensor.

    Logits are computed only where a reply token is predicted: in a small model with a large vocabulary the
    head is most of the work.
    """
    device = network.device
    with _recomputed(network if len(sequence.ids) > _LONG else nn.Identity()):
        states, head = last_states(
            network,
            input_ids=sequence.ids[None].to(device),
            position_ids=sequence.positions[None].to(device),
            attention_mask=masks_of(network, sequence),
        )
    return summed(states[sequence.places.to(device)], head, nats_of(sequence.targets.to(device)))


@contextmanager
def _recomputed(network: nn.Module) -> Iterator[None]:
    """Of the layers that run in training in the block only inputs are kept; the backward pass repeats them.

    See Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost.
    """
    layers = [module for module in network.modules() if isinstance(module, GradientCheckpointingLayer)]
    for layer in layers:
        layer.gradient_checkpointing = True
        layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)  # type: ignore[assignment]
    try:
        yield
    finally:
        for layer in layers:
            layer.gradient_checkpointing = False


def masks_of(network: PreTrainedModel, sequence: PackedSequence) -> Mask:
    """What a layer may see, [1, 1, tokens, tokens], added to its scores; by kind where layers differ."""
    config = network.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ())
    full = _additive(sequence.mask, network)
    if window is None or not getattr(config, "use_sliding_window", True):
        return {kind: full for kind in kinds} if len(kinds) > 1 else full
    near = sequence.positions[:, None] - sequence.positions < window
    sliding = _additive(sequence.mask & near, network)
    if not kinds:
        return sliding
    masks: Mapping[str, torch.Tensor] = {"sliding_attention": sliding, "full_attention": full}
    return {kind: masks[kind] for kind in kinds} if len(kinds) > 1 else masks[next(iter(kinds))]


def _additive(mask: torch.Tensor, network: PreTrainedModel) -> torch.Tensor:
    hidden = torch.zeros(mask.shape, dtype=network.dtype)
    hidden.masked_fill_(~mask, torch.finfo(network.dtype).min)
    return hidden[None, None].to(network.device)


def plain_loss(model: torch.nn.Module, network: PreTrainedModel, sample: Encoded) -> torch.Tensor:
    """Sum of the nats of one sample's reply tokens, read alone without any mask of ours."""
    ids = torch.tensor([[*sample.prompt, *sample.reply]], device=network.device)
    start = len(sample.prompt)
    places = torch.arange(start - 1, ids.shape[1] - 1, device=network.device)
    logits = model(input_ids=ids, use_cache=False, logits_to_keep=places).logits
    return functional.cross_entropy(logits[0].float(), ids[0, start:], reduction="sum")


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
            f"Use a rank of {sides[smallest]} or less, or leave this layer out.",
        )


def _shape(module: nn.Module) -> tuple[int, int]:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    weight = module.weight  # Conv1D keeps it the other way round
    assert isinstance(weight, nn.Parameter)
    return weight.shape[0], weight.shape[1]
