"""Things that are linked, directly or through others, gathered into groups."""

from collections.abc import Iterable


def connected(count: int, links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The groups of 0…count-1 under `links`; groups and their members in ascending order."""
    above = list(range(count))
    for one, other in links:
        first, second = _top(above, one), _top(above, other)
        above[max(first, second)] = min(first, second)
    groups: dict[int, list[int]] = {}
    for member in range(count):
        groups.setdefault(_top(above, member), []).append(member)
    return list(groups.values())


def _top(above: list[int], member: int) -> int:
    """The first of the member's group; the way there is shortened for the next time."""
    while above[member] != member:
        above[member] = above[above[member]]
        member = above[member]
    return member
