"""Where pairs come from, and how those of several sources become what a retraining starts from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from finetune.pairs.formats import read_pairs
from finetune.pairs.values import Dropped, Pair, Task
from finetune.registry.manifest import Data
from finetune.retrain.values import Given
from knowledge_base.values import file_digest
from retrieval.storage import translate_errors

Item = TypeVar("Item", Pair, Task)


@dataclass(frozen=True, slots=True)
class Source:
    """What one file, or the feedback, gave."""

    data: Data
    pairs: tuple[Pair, ...]
    tasks: tuple[Task, ...] = ()
    dropped: tuple[Dropped, ...] = ()


def source_of(file: Path, place: str = "", licence: str = "") -> Source:
    """The pairs and tasks of a file; see `read_pairs` for what is raised. `place` is where it came from."""
    read = read_pairs(file)
    with translate_errors(file):
        digest = file_digest(file)
    data = Data(
        name=file.name,
        digest=digest,
        source=place or str(file),
        licence=licence,
        pairs=len(read.pairs) + len(read.tasks),
    )
    return Source(data, read.pairs, read.tasks, read.dropped)


def together(sources: Sequence[Source]) -> Given:
    """All of them, in their order; an id that was there before gets the source's name before it."""
    used: set[str] = set()
    pairs: list[Pair] = []
    tasks: list[Task] = []
    for source in sources:
        pairs += [_with_own_id(pair, source.data.name, used) for pair in source.pairs]
        tasks += [_with_own_id(task, source.data.name, used) for task in source.tasks]
    return Given(
        pairs=tuple(pairs),
        tasks=tuple(tasks),
        dropped=tuple(entry for source in sources for entry in source.dropped),
        sources=tuple(source.data for source in sources),
    )


def _with_own_id(item: Item, name: str, used: set[str]) -> Item:
    unique, number = item.id, 1
    while unique in used:
        unique = f"{name}/{item.id}" if number == 1 else f"{name}/{item.id}#{number}"
        number += 1
    used.add(unique)
    return replace(item, id=unique)
