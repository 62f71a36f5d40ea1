"""Plain text: paragraphs are divided by blank lines; lines wrapped at a fixed width are joined again."""

import re

from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import joined, starts_item
from knowledge_base.notes import Note
from knowledge_base.values import Block, LoadedFile

_BLANK_LINES = re.compile(r"\n[ \t\u3000\xa0]*(?:\n[ \t\u3000\xa0]*)*\n|\f")
_WIDE = re.compile(
    "[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\U0001f300-\U0003ffff]"
)
_SHORTEST_WRAP, _LONGEST_WRAP = 40, 120  # columns at which texts are wrapped
_NEARLY = 0.8


def load_text(data: bytes) -> LoadedFile:
    """Read plain text; LoadError if it is none."""
    return collected("", text_blocks(decode(data)))


def unstructured(text: str) -> LoadedFile:
    """Text of any format as it is written, where its structure is nested too deeply to be read."""
    return collected("", text_blocks(text), [Note("nesting_flattened")])


def text_blocks(text: str) -> list[Block]:
    """One block per paragraph, its lines kept or, where they were wrapped, joined."""
    paragraphs = [part.strip("\n") for part in _BLANK_LINES.split(text)]
    return [Block("\n".join(_unwrapped(part.split("\n")))) for part in paragraphs if part.strip()]


def _unwrapped(lines: list[str]) -> list[str]:
    """Join lines that end near the longest line's width, the sign of a text wrapped by a program."""
    lines = [line.rstrip() for line in lines if line.strip()]
    width = max((_width(line) for line in lines), default=0)
    if len(lines) < 2 or not _SHORTEST_WRAP <= width <= _LONGEST_WRAP:  # noqa: PLR2004 - one line has no wrap
        return lines
    groups = [[lines[0]]]
    for previous, line in zip(lines, lines[1:], strict=False):
        if _width(previous) >= _NEARLY * width and not starts_item(line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [joined(group) if len(group) > 1 else group[0] for group in groups]


def _width(line: str) -> int:
    """Columns of a line; a Chinese character takes two."""
    return len(line) if line.isascii() else len(line) + len(_WIDE.findall(line))
