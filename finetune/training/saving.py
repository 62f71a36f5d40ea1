"""Writes a trained adapter as a PEFT folder, or merged into its base, and reads it back in a fresh process.

usage: python -m finetune.training.saving PROBE.json

An adapter that loads without a word and answers like the base is the commonest accident of LoRA: PEFT drops
weights whose names it does not know. So the saved folder is loaded by plain PEFT, by another process, and
its logits must be those of the model in memory, and not those of the base.
"""

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from peft import PeftModel, load_peft_weights
from peft.functional import get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import AutoConfig, PreTrainedModel

from finetune.training.network import load_base
from knowledge_base.errors import InputError, ModelError, StorageError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
# A base in bf16 cannot hold a merged weight exactly: this share of the adapter's change may be lost.
_LOSS_OF_ROUNDING = 0.1
# Any few tokens do: the merged model must say what base and adapter say together.
_PROBE = tuple(range(5, 37))


def save_adapter(model: PeftModel, base_id: str, folder: Path) -> None:
    """Write weights and configuration; the folder appears when both are complete.

    The weights are rounded to bf16 first, in the model too, so that the file is half as large and still
    exactly what was measured. The configuration names `base_id` instead of this machine's path.

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


_TOLERANCE = 2e-2


@dataclass(frozen=True, slots=True)
class Probe:
    """A text as token ids, and the logits behind it: with the adapter in memory, and without.

    `adapter` is "" where the model in the folder `base` holds it already. Of the change that the adapter
    makes to the logits, the share `tolerance` may be lost.
    """

    base: str
    adapter: str
    device: str
    ids: tuple[int, ...]
    adapted: tuple[float, ...]
    plain: tuple[float, ...]
    tolerance: float

    def at(self, base: Path) -> "Probe":
        """The same of another folder."""
        return replace(self, base=str(base))


@torch.no_grad()
def probe_of(
    model: PeftModel, base: Path, adapter: Path | None, ids: tuple[int, ...], tolerance: float = _TOLERANCE
) -> Probe:
    """What the model in memory says after `ids`, with and without its adapter."""
    model.train(False)
    adapted = _logits(model, ids)
    with model.disable_adapter():
        plain = _logits(model, ids)
    folder = "" if adapter is None else str(adapter)
    return Probe(str(base), folder, str(model.device), ids, tuple(adapted), tuple(plain), tolerance)


def verify(probe: Probe, folder: Path) -> None:
    """Compare in a fresh process; ModelError if what was saved is not what was in memory.

    The probe is kept in `folder` meanwhile.
    """
    file = folder / "probe.json"
    file.write_text(json.dumps(asdict(probe)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "finetune.training.saving", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    file.unlink()
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(
            f"What was saved in {probe.adapter or probe.base} differs from what was trained: {said}",
            "Run the command again; if it happens again, try other target modules.",
        )


def compare(probe: Probe) -> None:
    """Load the model, its adapter with plain PEFT; ValueError says what differs."""
    model: PeftModel | PreTrainedModel = load_base(Path(probe.base), probe.device).train(False)
    if probe.adapter:
        model = PeftModel.from_pretrained(model, probe.adapter).train(False)
        _check_names(model, Path(probe.adapter))
    found = torch.tensor(_logits(model, probe.ids))
    wanted, plain = torch.tensor(probe.adapted), torch.tensor(probe.plain)
    change = float((wanted - plain).abs().max())
    if change == 0 or torch.equal(found, plain):
        raise ValueError("it answers like the base")
    apart = float((found - wanted).abs().max())
    if apart > probe.tolerance * max(change, 1.0):
        raise ValueError(f"its logits are up to {apart:.3g} away from those in memory")


def _check_names(model: PeftModel, folder: Path) -> None:
    """Every weight in the file has a place in the model; PEFT itself says nothing of those that have none."""
    places = get_peft_model_state_dict(model)
    strangers = [name for name in load_peft_weights(str(folder)) if name not in places]
    if strangers:
        raise ValueError(f"{len(strangers)} weights have no place in the model, such as {strangers[0]}")


@torch.no_grad()
def _logits(model: PeftModel | PreTrainedModel, ids: tuple[int, ...]) -> list[float]:
    inputs = torch.tensor([ids], device=model.device)
    logits: torch.Tensor = model(input_ids=inputs, use_cache=False, logits_to_keep=1).logits[0, -1].float()
    return logits.tolist()


if __name__ == "__main__":
    stored = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    compare(Probe(**stored | {name: tuple(stored[name]) for name in ("ids", "adapted", "plain")}))
