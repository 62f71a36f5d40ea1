"""SIGKILL at twenty random moments of registering and promoting: no incomplete version is ever seen."""

import itertools
import multiprocessing
import random
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import numpy as np
import pytest

from finetune.registry.entry import verify
from finetune.registry.registry import Registry
from tests.finetune.registry.folders import DESCRIPTION, peft_folder

KILLS = 20
ROUNDS = 6
READY, DONE = "ready", "done"
NAME = "bank"
# Large enough for a kill to fall into the copying.
LARGE = {
    f"base_model.model.layers.{layer}.q_proj.lora_{part}.weight": np.ones(shape, np.float32)
    for layer in range(4)
    for part, shape in (("A", (2, 100_000)), ("B", (100_000, 2)))
}


def work(folder: Path, adapter: Path, reports: Connection) -> None:
    """What the killed process does: register, promote, remove an old version, and report each step."""
    registry = Registry(folder)
    reports.send(READY)
    for _ in range(ROUNDS):
        number = registry.register(NAME, adapter, DESCRIPTION)
        reports.send(("registered", number))
        registry.promote(NAME, number)
        reports.send(("promoted", number))
        aliases = registry.aliases(NAME)
        for old in [old for old in registry.versions(NAME) if old not in (aliases.live, aliases.previous)]:
            registry.remove(NAME, old)
            reports.send(("removed", old))
    reports.send(DONE)


@pytest.fixture(scope="module")
def context() -> ForkServerContext:
    """Processes that have imported everything already, so that a kill hits the work and not the start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def start(context: ForkServerContext, folder: Path, adapter: Path) -> tuple[ForkServerProcess, Connection]:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(folder, adapter, theirs))
    process.start()
    theirs.close()
    assert ours.recv() == READY
    return process, ours


def messages(reports: Connection) -> Iterator[object]:
    while True:
        try:
            yield reports.recv()
        except EOFError:
            return


def check(folder: Path, told: list[tuple[str, int]]) -> None:
    """Look as a server would, which takes no lock: all versions are whole, and what was reported holds."""
    registry = Registry(folder)
    versions = registry.versions(NAME)
    for number in versions:
        verify(registry.get(NAME, number))
    gone = {number for what, number in told if what == "removed"}
    made = {number for what, number in told if what == "registered"}
    assert not gone & set(versions)
    live = registry.aliases(NAME).live
    promoted = [number for what, number in told if what == "promoted"]
    if promoted:
        assert live is not None
        assert live >= promoted[-1]
        assert registry.find(NAME).version == live
        assert {number for number in made if number >= promoted[-1]} <= set(versions)


def test_sigkill_leaves_no_incomplete_version(context: ForkServerContext, place: Path) -> None:
    chance = random.Random(20261123)
    adapter = peft_folder(place / "made", weights=LARGE)
    process, reports = start(context, place / "timed", adapter)
    begun = time.monotonic()
    steps = list(messages(reports))
    assert steps[-1] == DONE
    one_step = (time.monotonic() - begun) / len(steps)
    process.join()

    told: list[tuple[str, int]] = []
    cut_short = 0
    folder = place / "adapters"
    for _ in range(KILLS):
        process, reports = start(context, folder, adapter)
        heard = list(itertools.islice(messages(reports), chance.randrange(len(steps) - 4)))
        time.sleep(chance.uniform(0, 2 * one_step))
        process.kill()
        process.join()
        heard += messages(reports)
        cut_short += DONE not in heard
        told += [report for report in heard if isinstance(report, tuple)]
        check(folder, told)
    assert cut_short >= KILLS // 2

    process, reports = start(context, folder, adapter)
    heard = list(messages(reports))
    assert heard[-1] == DONE
    process.join()
    told += [report for report in heard if isinstance(report, tuple)]
    check(folder, told)
    assert [
        place.name for place in (folder / NAME / "versions").iterdir() if place.name.startswith(".")
    ] == []
    numbers = [number for what, number in told if what == "registered"]
    assert len(numbers) == len(set(numbers))
