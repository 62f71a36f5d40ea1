"""Writes a trained adapter as a PEFT folder, or merged into its base as an ordinary model folder."""

import os
import shutil
import uuid
from pathlib import Path

import torch
from peft import PeftModel
from peft.functional import get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import AutoConfig

from finetune.training.network import load_base
from finetune.training.verify import probe_of, verify
from knowledge_base.errors import InputError, StorageError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
# A base in bf16 cannot hold a merged weight exactly: this share of the adapter's change may be lost.
_LOSS_OF_ROUNDING = 0.1
# Any few tokens do: the merged model must say what base and adapter say together.
_PROBE = tuple(range(5, 37))


def save_adapter(model: PeftModel, base_id: str, folder: Path) -> None:
    """Write weights and configuration; the folder appears when both are complete.

    The weights are rounded to bf16 first, in the model too, so that the file is half as large and still
    exactly what was measured. `base_id` stands in the configuration instead of this machine's path.

    Raises:
        StorageError: if there is no room; nothing is left behind then.
    """
    for value in (value for value in model.parameters() if value.requires_grad):
        value.data = value.data.to(torch.bfloat16).to(value.dtype)
    weights = {
        name: value.to(torch.bfloat16).contiguous().cpu()
        for name, value in get_peft_model_state_dict(model).items()
    }
    fresh = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    try:
        fresh.mkdir(parents=True)
        save_file(weights, fresh / WEIGHTS, {"format": "pt"})
        config = model.peft_config["default"]
        config.base_model_name_or_path, config.inference_mode = base_id, True
        config.save_pretrained(str(fresh))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(fresh, folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise StorageError(
            f"The adapter {folder} cannot be written: {error}.",
            "Free some disk space and run the command again: the training itself is kept.",
        ) from error


def merge(base: Path, adapter: Path, target: Path) -> None:
    """Write base and adapter as one model to the folder `target`, in the number format of the base.

    The base is loaded unquantised, since merging into rounded weights would lose more. Tokenizer and notices
    go with it, and the folder is compared with what was merged by a fresh process before it appears.

    Raises:
        InputError: if there is something at `target` already.
        ModelError: if the base cannot be loaded or the merged model answers differently.
        StorageError: if there is no room.
    """
    if target.exists():
        raise InputError(f"{target} already exists.", "Name a folder that does not exist yet.")
    network = load_base(base, "cpu")
    model = PeftModel.from_pretrained(network, str(adapter)).train(False)
    probe = probe_of(model, target, None, _PROBE, _LOSS_OF_ROUNDING)
    merged = model.merge_and_unload()
    torch.nn.Module.to(merged, AutoConfig.from_pretrained(base, local_files_only=True).dtype)
    fresh = target.with_name(f".{target.name}-{uuid.uuid4().hex}")
    try:
        fresh.mkdir(parents=True)
        for file in base.iterdir():
            if file.is_file() and file.suffix != ".safetensors" and not file.name.endswith(".index.json"):
                shutil.copy(file, fresh / file.name)
        merged.save_pretrained(str(fresh))
        verify(probe.at(fresh), fresh.parent)
        fresh.rename(target)
    except (OSError, SafetensorError) as error:
        raise StorageError(
            f"The merged model {target} cannot be written: {error}.",
            "Free some disk space, or name another folder.",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
