"""The numbers that Word writes before paragraphs of a DOC and does not store. ([MS-DOC] 2.9.131 ff.)"""

import struct
from collections import defaultdict
from dataclasses import dataclass

from knowledge_base.loaders.numbering import BOXES, FORMATS

_SIMPLE = 0x1
_LEVELS = 9
# Number formats ([MS-OSHARED] 2.2.1.3 MSONFC) by the names that newer files give them.
_FORMATS = {
    0: "decimal", 1: "upperRoman", 2: "lowerRoman", 3: "upperLetter", 4: "lowerLetter", 5: "ordinal",
    10: "ideographDigital", 11: "japaneseCounting", 14: "decimalFullWidth", 18: "decimalEnclosedCircle",
    22: "decimalZero", 23: "bullet", 30: "ideographTraditional", 33: "taiwaneseCounting",
    35: "taiwaneseCountingThousand", 37: "chineseCounting", 38: "chineseLegalSimplified",
    39: "chineseCountingThousand", 57: "numberInDash", 255: "none",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    format: str
    pattern: str  # with the levels \x00 to \x08 in the places of their numbers


class OldNumbering:
    """Counts through a document; `mark` must be called for every paragraph in order."""

    def __init__(self, table: bytes, lists: tuple[int, int], overrides: tuple[int, int]) -> None:
        self._levels: list[tuple[int, list[_Level]]] = []
        self._counts: dict[int, dict[int, int]] = defaultdict(dict)
        try:
            found = _lists(table, *lists)
            for identifier in _used(table, *overrides):
                self._levels.append((identifier, found.get(identifier, [])))
        except (struct.error, IndexError):  # damaged lists cost their numbers, not the text
            self._levels = []

    def mark(self, number: int, depth: int) -> str:
        """What stands before a paragraph of the list `number` (from 1), with a space after it."""
        if not 0 < number <= len(self._levels):
            return ""
        identifier, levels = self._levels[number - 1]
        level = levels[depth] if depth < len(levels) else None
        if level is None or level.format == "none":
            return ""
        if level.format == "bullet":
            return f"{BOXES.get(level.pattern, '-')} "
        counts = self._counts[identifier]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [other for other in counts if other > depth]:
            del counts[deeper]
        return "".join(self._filled(sign, counts, levels) for sign in level.pattern) + " "

    def _filled(self, sign: str, counts: dict[int, int], levels: list[_Level]) -> str:
        depth = ord(sign)
        if depth >= min(_LEVELS, len(levels)):
            return sign
        return FORMATS.get(levels[depth].format, str)(counts.get(depth, levels[depth].start))


def _lists(table: bytes, offset: int, length: int) -> dict[int, list[_Level]]:
    """The levels of each list by its identifier; the levels follow behind all lists."""
    if length < 2 or offset < 0:  # noqa: PLR2004 - no list at all
        return {}
    count = struct.unpack_from("<H", table, offset)[0]
    heads = [struct.unpack_from("<iI18xBB", table, offset + 2 + 28 * number) for number in range(count)]
    at = offset + 2 + 28 * count
    found: dict[int, list[_Level]] = {}
    for identifier, _, flags, _ in heads:
        levels = []
        for _ in range(1 if flags & _SIMPLE else _LEVELS):
            level, at = _level(table, at)
            levels.append(level)
        found[identifier] = levels
    return found


def _level(table: bytes, at: int) -> tuple[_Level, int]:
    start, code = struct.unpack_from("<iB", table, at)
    characters, paragraphs = table[at + 24], table[at + 25]
    at += 28 + characters + paragraphs
    length = struct.unpack_from("<H", table, at)[0]
    text = table[at + 2 : at + 2 + 2 * length].decode("utf-16-le", errors="replace")
    return _Level(start, _FORMATS.get(code, "decimal"), text), at + 2 + 2 * length


def _used(table: bytes, offset: int, length: int) -> list[int]:
    """The list that each number stands for."""
    if length < 4 or offset < 0:  # noqa: PLR2004 - no number at all
        return []
    count = min(struct.unpack_from("<I", table, offset)[0], length // 16)
    return [struct.unpack_from("<i", table, offset + 4 + 16 * number)[0] for number in range(count)]
