"""The same prompts and training samples in two builds: replies, losses, speed and peak memory.

usage: python benchmarks/unchanged.py --old DIR [--prompts 60] [--pairs 24] [--epochs 1] [--runs 3]
       [--json FILE]

This build renders the prompts of held-out questions of the sample bank, and makes the samples of its training
pairs. Both builds get these, in processes of their own, in turns: what lies above generator and training may
differ. Every prompt is answered twice, without an adapter and with the packaged one. The training is that of
a retraining with its usual settings but for few samples: its steps and its validation, no evaluation.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.factories import model_folder
from app.settings import load_settings
from app.workspace import Workspace
from benchmarks.builds import ROOT, Build, Run, run
from benchmarks.measuring import SAMPLES, Row, save, show
from finetune.pairs.formats import read_pairs
from finetune.samples import samples_of
from finetune.settings import SampleSettings

_CHILD = Path(__file__).with_name("inside_build.py")
Task = dict[str, Any]


def main() -> None:
    """Make prompts and samples, let both builds work on them, print, save."""
    arguments = _arguments()
    tables: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as folder:
        tasks = _tasks(Path(folder), arguments)
        for name, task in tasks.items():
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(task), encoding="utf-8")
            builds = [Build(place.resolve(), Path(folder)) for place in (arguments.old, ROOT)]
            done: list[list[Run]] = [[], []]
            for _ in range(arguments.runs):
                for build, runs in zip(builds, done, strict=True):
                    runs.append(run(build, build.python(str(_CHILD), name, str(file))))
            make: Callable[..., Row] = {"replies": _replies, "training": _training}[name]
            tables[name] = [
                make(title, runs, done[0]) for title, runs in zip(("old", "this"), done, strict=True)
            ]
            show(f"{name}, {arguments.runs} processes each, in turns", tables[name])
    save(arguments.json, "unchanged", tables)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--old", type=Path, required=True, metavar="DIR", help="worktree of the other build")
    parser.add_argument("--prompts", type=int, default=60, help="0 measures the training alone")
    parser.add_argument("--pairs", type=int, default=24, help="pairs that are trained on; 0 trains nothing")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3, help="processes of each build")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _tasks(folder: Path, arguments: argparse.Namespace) -> dict[str, Task]:
    settings = load_settings({"home": folder / "home"})
    with Workspace(settings) as workspace:
        workspace.ingest(SAMPLES / "bank", "bank")
        shared: Task = {
            "base": str(model_folder(settings.generator, settings.models_cache)),
            "adapter": str(workspace.registry.find("reader").folder),
            "texts": list(workspace.corpus("bank").texts.values()),
            "epochs": arguments.epochs,
        }
        asked = _samples(workspace, "test", arguments.prompts, SampleSettings(sentences=0.0))
        learned = _samples(workspace, "train", arguments.pairs, SampleSettings())
    prompts = [asked[place * len(asked) // arguments.prompts] for place in range(arguments.prompts)]
    tasks = {"replies": {**shared, "samples": prompts}, "training": {**shared, "samples": learned}}
    return {name: task for name, task in tasks.items() if task["samples"]}


def _samples(workspace: Workspace, split: str, count: int, settings: SampleSettings) -> list[Task]:
    """Samples of `count` pairs, half of them in each language."""
    pairs = []
    for language in ("en", "zh"):
        read = read_pairs(SAMPLES / "pairs" / f"{language}.jsonl").pairs
        pairs += [pair for pair in read if pair.split == split][: (count + 1) // 2]
    generator, corpus = workspace.generator(), workspace.corpus("bank")
    made = samples_of(pairs, corpus, generator.count_tokens, settings, lambda _done, _total: None)
    return [
        {**asdict(sample), "messages": [(message.role, message.content) for message in sample.messages]}
        for sample in made.samples
    ]


def _replies(name: str, runs: Sequence[Run], first: Sequence[Run]) -> Row:
    def figures(of: Sequence[Run]) -> tuple[float, float]:
        """Seconds to the first piece, and tokens a second after it: the median run."""
        read = [json.loads(run.output) for run in of]
        firsts = [sum(reply["first"] for reply in replies) / len(replies) for replies in read]
        rates = [_total(replies, "tokens") / _total(replies, "rest") for replies in read]
        return statistics.median(firsts), statistics.median(rates)

    mine, theirs = (_texts(of[0]) for of in (runs, first))
    (seconds, rate), (others, their_rate) = figures(runs), figures(first)
    return {
        "build": name,
        "replies": len(mine),
        "identical": sum(a == b for a, b in zip(mine, theirs, strict=True)),
        "first s": seconds,
        "speed, ratio": others / seconds,
        "tokens/s": rate,
        "tokens/s, ratio": rate / their_rate,
        "peak MB": statistics.median(run.megabytes for run in runs),
    }


def _training(name: str, runs: Sequence[Run], first: Sequence[Run]) -> Row:
    def figures(of: Sequence[Run]) -> tuple[float, float, float]:
        return (
            statistics.median(json.loads(run.output)["seconds"] for run in of),
            statistics.median(run.cpu for run in of),
            max(run.megabytes for run in of),
        )

    told = json.loads(runs[0].output)
    (seconds, cpu, peak), (their_seconds, their_cpu, their_peak) = figures(runs), figures(first)
    return {
        "build": name,
        "steps": len(told["losses"]),
        "first loss": told["losses"][0],
        "last loss": told["losses"][-1],
        "validation loss": told["best"],
        "seconds": seconds,
        "seconds, ratio": seconds / their_seconds,
        "cpu s": cpu,
        "cpu s, ratio": cpu / their_cpu,
        "peak MB": peak,
        "peak, ratio": peak / their_peak,
    }


def _texts(of: Run) -> list[str]:
    return [reply["text"] for reply in json.loads(of.output)]


def _total(replies: Sequence[Mapping[str, float]], name: str) -> float:
    return sum(reply[name] for reply in replies)


if __name__ == "__main__":
    main()
