"""A Hugging Face folder becomes a model that is ready to write."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from answering.generation.encoding import Encoder
from answering.generation.optimise import optimise
from answering.generation.processor import Precision
from knowledge_base.errors import ModelError


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A causal language model in memory; `ends` are the tokens that end a text."""

    network: PreTrainedModel
    encoder: Encoder
    ends: frozenset[int]
    device: torch.device


def load_model(folder: Path, device: str, precision: Precision, max_context: int) -> LoadedModel:
    """Load weights and tokenizer of `folder`; ModelError names what is missing or does not fit."""
    _check_folder(folder)
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        network = AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=precision.weights, local_files_only=True
        )
        _make_ready(network, device, precision)
        # Last, since the head is still being packed beside it.
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"The model in {folder} cannot be loaded: {error}",
            "Use the folder of a causal language model with config, tokenizer and safetensors weights, "
            "or remove a damaged one from the cache so that it is unpacked again.",
        ) from error
    limit = getattr(config.get_text_config(), "max_position_embeddings", max_context)
    return LoadedModel(
        network=network,
        encoder=Encoder(tokenizer, min(limit, max_context)),
        ends=_end_tokens(network, tokenizer),
        device=torch.device(device),
    )


def _make_ready(network: PreTrainedModel, device: str, precision: Precision) -> None:
    network.train(False).requires_grad_(False)
    torch.nn.Module.to(network, device)
    optimise(network, precision)


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} holds no model: config.json is missing.",
            "Name a folder in Hugging Face format, or run `domainqa models prepare`.",
        )
    if not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"The model folder {folder} holds no weights (*.safetensors).",
            "Copy the folder again, or convert older .bin weights to safetensors.",
        )


def _end_tokens(network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    settings = network.generation_config
    ends = settings.eos_token_id if settings else None
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(int(end) for end in (*listed, tokenizer.eos_token_id) if end is not None)
