"""An adapter becomes part of its base: one ordinary model folder, for programs that know no adapters."""

import shutil
import uuid
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoConfig

from finetune.training.network import load_base
from finetune.training.verify import probe_of, verify
from knowledge_base.errors import InputError, StorageError

# A base in bf16 cannot hold a merged weight exactly: this share of the adapter's change may be lost.
_LOSS_OF_ROUNDING = 0.1
# Any few tokens do: the merged model must say what base and adapter say together.
_PROBE = tuple(range(5, 37))


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
        raise InputError(f"{target} exists already.", "Name a folder that does not exist yet.")
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
            f"The merged model {target} cannot be written: {error}.", "Make room, or name another folder."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
