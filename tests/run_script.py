"""Runs a script of the folder `scripts` as a user does."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_script(name: str, *arguments: str) -> str:
    """What it prints; CalledProcessError if it fails."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    ).stdout
