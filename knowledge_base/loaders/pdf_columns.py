"""Tables without lines: texts that stand below each other, with gaps between them that no line crosses."""

from collections.abc import Sequence
from dataclasses import dataclass

_FEWEST_LINES = 3
_FEWEST_COLUMNS = 2
_GUTTER = 4.0  # points between two columns at least


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line, with wide gaps beside it, and where it begins and ends, in points."""

    text: str
    left: float
    right: float


def aligned_rows(lines: Sequence[Sequence[Piece]]) -> tuple[tuple[str, ...], ...] | None:
    """The lines as a table, or None if their pieces do not stand in columns.

    Columns are what is left between the gaps that run through all lines, so that it does not matter whether
    a column is set to the left, to the right or to its middle.
    """
    if len(lines) < _FEWEST_LINES or any(len(line) < _FEWEST_COLUMNS for line in lines):
        return None
    columns = _columns([piece for line in lines for piece in line])
    if len(columns) < _FEWEST_COLUMNS:
        return None
    rows = []
    for line in lines:
        row = [""] * len(columns)
        for piece in line:
            index = next(i for i, (left, right) in enumerate(columns) if left <= piece.left <= right)
            if row[index]:
                return None
            row[index] = piece.text
        rows.append(tuple(row))
    return tuple(rows)


def _columns(pieces: Sequence[Piece]) -> list[tuple[float, float]]:
    """Spans that pieces cover together, from left to right."""
    columns: list[tuple[float, float]] = []
    for piece in sorted(pieces, key=lambda piece: piece.left):
        if columns and piece.left <= columns[-1][1] + _GUTTER:
            columns[-1] = (columns[-1][0], max(columns[-1][1], piece.right))
        else:
            columns.append((piece.left, piece.right))
    return columns
