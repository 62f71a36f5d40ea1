"""Several processes train the adapter that one process would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).parents[3]
SCRIPT = "tests.finetune.training.launched"
LAUNCH = ("-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--mixed_precision", "no")


def run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.heavy
def test_two_processes_train_the_adapter_that_one_would(gemma: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    run("-m", SCRIPT, str(gemma), str(one))
    run(*LAUNCH, "--num_processes", "2", "--module", SCRIPT, str(gemma), str(two))
    assert ((one / "processes").read_text(), (two / "processes").read_text()) == ("1", "2")
    alone = load_file(one / "adapter" / "adapter_model.safetensors")
    together = load_file(two / "adapter" / "adapter_model.safetensors")
    assert alone.keys() == together.keys()
    for name, weight in alone.items():
        assert torch.allclose(weight.float(), together[name].float(), rtol=0.05, atol=2e-3), name
    moved = [float(weight.float().abs().max()) for name, weight in alone.items() if "lora_B" in name]
    assert min(moved) > 0.01, "training must have moved every layer far more than the tolerance"
    assert pytest.approx(moved[0], rel=0.05) == float(
        next(weight for name, weight in together.items() if "lora_B" in name).float().abs().max()
    )
