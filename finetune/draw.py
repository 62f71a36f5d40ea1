"""Draws some of many, the same ones every time."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(entries: Sequence[T], most: int, seed: int) -> list[T]:
    """At most `most` of them from everywhere, in their order; the seed decides which."""
    chosen = random.Random(seed).sample(range(len(entries)), min(most, len(entries)))
    return [entries[place] for place in sorted(chosen)]
