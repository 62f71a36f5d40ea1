"""Writes a trained adapter as an ordinary PEFT folder, and makes sure that it can be read back."""

import os
import shutil
import uuid
from pathlib import Path

import torch
from peft import PeftModel
from peft.functional import get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import save_file

from knowledge_base.errors import StorageError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


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
            "Make room on the disk and run the command again: training itself is kept.",
        ) from error
