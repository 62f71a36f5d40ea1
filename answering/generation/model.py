"""A Hugging Face folder becomes a model in memory, in the number formats that are fastest here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
)
from transformers.utils.logging import disable_progress_bar

from answering.generation.encoding import Encoder
from answering.generation.layers import (
    HalfLinear,
    Int8Linear,
    RefinedHead,
    fuse_norms,
    supports,
    use_grouped_attention,
)
from knowledge_base.errors import ModelError
from knowledge_base.memory import release_memory

Packing = Literal["half", "int8"]


@dataclass(frozen=True, slots=True)
class Precision:
    """Number formats of a loaded model.

    `weights` is the format the weights are loaded in, "auto" for that of the files. `packing` names how
    linear layers are packed for decoding on a processor: "half" (fp16 weights, fp32 products), "int8" (bf16
    for prompts, 8 bits for single tokens), or None for the layers as transformers has them.
    """

    weights: torch.dtype | Literal["auto"]
    packing: Packing | None = None


def best_precision(device: str) -> Precision:
    """bf16 on a GPU, 8-bit decoding on processors with bf16 arithmetic, fp16 weights on other x86 ones."""
    if device != "cpu":
        return Precision(torch.bfloat16)
    if has_bf16_arithmetic():
        return Precision(torch.bfloat16, "int8" if supports(Int8Linear) else None)
    return Precision("auto", "half") if supports(HalfLinear) else Precision(torch.float32)


def has_bf16_arithmetic() -> bool:
    """Whether the processor multiplies bf16 itself; where it only imitates it, fp32 is much faster."""
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("amx_bf16", "avx512_bf16"))


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A causal language model in memory; `ends` are the tokens that end a text."""

    network: PreTrainedModel
    encoder: Encoder
    ends: frozenset[int]
    device: torch.device


def load_encoder(folder: Path, max_context: int) -> Encoder:
    """The tokenizer of `folder`, without any weights; ModelError names what is missing or does not fit."""
    with _loadable(folder):
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        limit = getattr(config.get_text_config(), "max_position_embeddings", max_context)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        release_memory()  # of 290 MB in which Gemma's is read, 80 are kept
        return Encoder(tokenizer, min(limit, max_context))


def load_model(folder: Path, device: str, precision: Precision, encoder: Encoder) -> LoadedModel:
    """Load the weights of `folder`; ModelError names what is missing or does not fit."""
    disable_progress_bar()  # type: ignore[no-untyped-call]
    with _loadable(folder):
        network = AutoModelForCausalLM.from_pretrained(folder, dtype=precision.weights, local_files_only=True)
        network.train(False).requires_grad_(False)
        torch.nn.Module.to(network, device)
        _optimise(network, precision)
        if precision.packing is not None:
            _map_embedding_anew(network, folder)
    release_memory()
    return LoadedModel(network, encoder, _end_tokens(network, encoder), torch.device(device))


@contextmanager
def _loadable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, LookupError, AttributeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The model in {folder} cannot be loaded: {error}",
            "Use the folder of a causal language model with config, tokenizer and safetensors weights, "
            "or remove a damaged one from the cache so that it is unpacked again.",
        ) from error


def _map_embedding_anew(network: PreTrainedModel, folder: Path) -> None:
    """Let go of the file's pages that packing has read: of the embedding only rows of words are used now.

    All weights of a file share one mapping, which stays as long as one of them does. What is not mapped from
    one file (several files, another number format) stays as it is.
    """
    embedding = network.get_input_embeddings()
    name = next(name for name, weight in network.named_parameters() if weight is embedding.weight)
    file = folder / "model.safetensors"
    if not file.is_file():
        return
    with safe_open(file, "pt") as weights:
        if name not in weights.keys():  # noqa: SIM118 - it is no mapping
            return
        mapped = weights.get_tensor(name)
    if mapped.dtype == embedding.weight.dtype and mapped.shape == embedding.weight.shape:
        embedding.weight.data = mapped


def _end_tokens(network: PreTrainedModel, encoder: Encoder) -> frozenset[int]:
    settings = network.generation_config
    ends = settings.eos_token_id if settings else None
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(int(end) for end in (*listed, encoder.end) if end is not None)


def _optimise(network: PreTrainedModel, precision: Precision) -> None:
    """Change `network` in place so that it computes the same faster; nothing without packing."""
    if precision.packing is None:
        return
    head = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    layer = HalfLinear if precision.packing == "half" else Int8Linear
    for name, module in list(network.named_modules()):
        if module is head and supports(RefinedHead):
            network.set_submodule(name, RefinedHead(module))
        elif type(module) is nn.Linear:
            network.set_submodule(name, layer(module))
    if precision.packing == "half":
        _compute_in_fp32(network)
    fuse_norms(network)
    use_grouped_attention(network)


def _compute_in_fp32(network: PreTrainedModel) -> None:
    """Everything in fp32 but the embedding: it is only looked up, and keeps its format to save memory."""
    embedding = network.get_input_embeddings()
    head = network.get_output_embeddings()  # type: ignore[no-untyped-call]
    for module in network.modules():
        if module is embedding or module is head:
            continue
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.float()
    embedding.register_forward_hook(lambda _module, _inputs, output: output.float())
