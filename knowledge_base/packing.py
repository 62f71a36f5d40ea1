"""Divide a row of sized units into runs that fit, beginning them at the best places."""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil

FORBIDDEN = -1


def pack(sizes: Sequence[int], rooms: Sequence[int], strengths: Sequence[int]) -> list[tuple[int, int]]:
    """Runs (first, last + 1) that cover all units in order.

    A run that begins at unit i holds at most `rooms[i]`, one unit at least. `strengths[i]` says how good it
    is to begin a run at unit i; FORBIDDEN places are taken only where nothing else is left. Among the
    places that leave the run half full or more, the strongest is taken, then the one nearest to an even
    division of what remains, so that no tiny rest is left over.
    """
    before = [0, *accumulate(sizes)]
    count = len(sizes)
    runs = []
    start = 0
    while start < count:
        end = start + 1
        while end < count and before[end + 1] - before[start] <= rooms[start]:
            end += 1
        if end < count:
            end = _best_break(before, rooms[start], strengths, (start, end))
        runs.append((start, end))
        start = end
    return runs


def _best_break(before: Sequence[int], room: int, strengths: Sequence[int], span: tuple[int, int]) -> int:
    start, furthest = span
    remaining = before[-1] - before[start]
    target = remaining / ceil(remaining / max(room, 1))
    allowed = [place for place in range(start + 1, furthest + 1) if strengths[place] != FORBIDDEN]
    full = [place for place in allowed if 2 * (before[place] - before[start]) >= target]
    if full:
        return max(full, key=lambda place: (strengths[place], -abs(before[place] - before[start] - target)))
    return allowed[-1] if allowed else furthest
