"""What benchmarks/unchanged.py runs in a build, with names that earlier builds have, too.

usage, in the folder of a build: python inside_build.py replies|training FILE

FILE holds samples, texts, and the folders of a base model and an adapter; the result is printed as JSON.
"""

import os
import sys

sys.path[0] = os.getcwd()  # noqa: PTH109 - the build, not this folder

import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from retrieval.prompt import Message

_NEW_TOKENS = 48
_PACKAGES = ("answering.generation", "app.generation")  # an earlier build has the second


def replies(given: Mapping[str, Any]) -> list[dict[str, object]]:
    """The reply to each prompt without and with the adapter, and how long its parts took."""
    generator = _generation("in_process").InProcessGenerator(Path(given["base"]))
    generator.add_adapter("reader", Path(given["adapter"]), "1")
    asked = [(adapter, _messages(sample)) for adapter in (None, "reader") for sample in given["samples"]]
    list(_timed(generator, asked[:1] + asked[-1:]))  # what is loaded at first use is not measured
    return list(_timed(generator, asked[1:-1]))


def training(given: Mapping[str, Any]) -> dict[str, object]:
    """The losses of a training on the samples, and its seconds."""
    train = import_module("finetune.training.train")
    samples = [
        train.Sample(_messages(sample), sample["reply"], sample["pair"]) for sample in given["samples"]
    ]
    base, settings = train.Base(Path(given["base"]), "base"), train.TrainSettings(epochs=given["epochs"])
    with tempfile.TemporaryDirectory() as folder:
        _, _, trained = train.fit(samples, base, settings, Path(folder), texts=given["texts"])
    losses = [point.loss for point in trained.curve]
    return {"losses": losses, "best": trained.best_loss, "seconds": trained.seconds}


def _timed(
    generator: Any,  # noqa: ANN401 - of either build
    asked: list[tuple[str | None, tuple[Message, ...]]],
) -> Iterator[dict[str, object]]:
    request = _generation("protocol").Request
    for adapter, messages in asked:
        before, began = generator.tokens.totals()["completion"], time.perf_counter()
        first, text = None, ""
        for piece in generator.stream(request(messages, adapter, _NEW_TOKENS)):
            first = first or time.perf_counter()
            text += piece
        ended = time.perf_counter()
        first = first or ended
        written = generator.tokens.totals()["completion"] - before
        yield {"text": text, "first": first - began, "rest": ended - first, "tokens": written}


def _generation(name: str) -> ModuleType:
    try:
        return import_module(f"{_PACKAGES[0]}.{name}")
    except ModuleNotFoundError:
        return import_module(f"{_PACKAGES[1]}.{name}")


def _messages(sample: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(Message(role, content) for role, content in sample["messages"])


if __name__ == "__main__":
    _task, _file = sys.argv[1:]
    _given = json.loads(Path(_file).read_text(encoding="utf-8"))
    print(json.dumps({"replies": replies, "training": training}[_task](_given)))
