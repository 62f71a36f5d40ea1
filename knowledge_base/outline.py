"""Where each block of a document stands: under which headings, and in which region no passage may leave."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge_base.values import Block

LONGEST_HEADING = 120


@dataclass(frozen=True, slots=True)
class Place:
    """The headings above a block, its own included, and the number of its region, counted upwards."""

    path: tuple[str, ...]
    region: int


def places(blocks: Sequence[Block]) -> list[Place]:
    """The place of every block.

    A region ends with its page and before a top heading. Top is the highest level that occurs more than
    once, or level 1 if none does: a single heading above all others is the title and divides nothing.
    Headings that follow each other directly stay in one region, so that none is left without its text.
    """
    top = _top_level(blocks)
    found: list[Place] = []
    above: list[tuple[int, str]] = []
    region = 0
    previous: Block | None = None
    for index, block in enumerate(blocks):
        if previous is not None and (
            block.page != previous.page or (previous.kind != "heading" and _run_reaches(blocks, index, top))
        ):
            region += 1
        if block.kind == "heading":
            while above and above[-1][0] >= block.level:
                above.pop()
            above.append((block.level, shortened(block.text)))
        found.append(Place(tuple(text for _, text in above), region))
        previous = block
    return found


def shortened(heading: str) -> str:
    """A heading on one line, cut off where it is too long to be shown above every passage."""
    text = " ".join(heading.split())
    return text if len(text) <= LONGEST_HEADING else text[: LONGEST_HEADING - 1].rstrip() + "…"


def _top_level(blocks: Sequence[Block]) -> int:
    levels = Counter(block.level for block in blocks if block.kind == "heading")
    return min((level for level, times in levels.items() if times > 1), default=1)


def _run_reaches(blocks: Sequence[Block], first: int, top: int) -> bool:
    """Whether one of the headings that follow each other from `first` on is a top heading."""
    for index in range(first, len(blocks)):
        block = blocks[index]
        if block.kind != "heading" or block.page != blocks[first].page:
            return False
        if block.level <= top:
            return True
    return False
