"""Trains a tiny adapter; started by `accelerate launch` in several processes, or alone.

usage: launched.py MODEL_FOLDER TARGET_FOLDER
"""

import sys
from pathlib import Path

from finetune.settings import TrainSettings
from finetune.training.saving import save_adapter
from finetune.training.train import fit, join_processes
from finetune.training.values import Base, Sample
from retrieval.prompt import render

SETTINGS = TrainSettings(
    rank=4, learning_rate=0.02, epochs=4, samples_per_step=4, sequence_tokens=128, dev_share=0.2
)


def main() -> None:
    """Train, and let the first process save."""
    model, target = Path(sys.argv[1]), Path(sys.argv[2])
    samples = [
        Sample(render(f"What does card {n} cost?", [f"Card {n} costs {n}0 yuan."]), f"{n}0 yuan", f"p{n}")
        for n in range(12)
    ]
    processes = join_processes()
    adapted, _, _ = fit(samples, Base(model, "tiny"), SETTINGS, target, processes)
    if processes.is_first:
        (target / "processes").write_text(str(processes.count))
        save_adapter(adapted, "tiny", target / "adapter")
    processes.wait()


if __name__ == "__main__":
    main()
