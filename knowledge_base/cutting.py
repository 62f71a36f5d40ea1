"""Cut what is longer than a passage: at semicolons, then clauses, then words, then characters."""

import re
from collections.abc import Callable, Sequence

# Each level's pieces, the finest last; every character belongs to a piece.
_LEVELS = (
    re.compile(r"[^;；]*[;；]+|[^;；]+"),
    re.compile(r"[^,，、:：—]*[,，、:：—]+|[^,，、:：—]+"),
    re.compile(r"\s*\S+"),
    re.compile(r".{1,16}", re.DOTALL),
    re.compile(r".", re.DOTALL),
)

Span = tuple[int, int]


def cut(
    text: str, spans: Sequence[Span], limits: Sequence[int], sizes_of: Callable[[Sequence[str]], list[int]]
) -> list[list[tuple[Span, int]]]:
    """For each span, its pieces with their sizes, none above the span's limit if that can be.

    Only what is too long on one level is cut on the next, and each level is measured in one call of
    `sizes_of`.
    """
    pieces: list[list[tuple[Span, int]]] = [[] for _ in spans]
    pending = list(enumerate(spans))
    for level in _LEVELS:
        finer = [(owner, piece) for owner, span in pending for piece in _matches(level, text, span)]
        if not finer:
            break
        sizes = sizes_of([text[start:end] for _, (start, end) in finer])
        pending = []
        for (owner, piece), size in zip(finer, sizes, strict=True):
            if size > limits[owner] and level is not _LEVELS[-1]:
                pending.append((owner, piece))
            else:
                pieces[owner].append((piece, size))
    return [sorted(owned) for owned in pieces]


def halves(text: str, span: Span) -> tuple[Span, Span] | None:
    """Divide a span at the white space or clause end nearest to its middle, else in the middle."""
    start, end = span
    middle = (start + end) // 2
    places = [found.end() for found in re.finditer(r"[\s,，、;；:：]+", text[start:end])]
    inner = [start + place for place in places if start + place < end]
    place = min(inner, key=lambda candidate: abs(candidate - middle), default=middle)
    left, right = _stripped(text, (start, place)), _stripped(text, (place, end))
    return (left, right) if left[0] < left[1] and right[0] < right[1] else None


def _matches(level: re.Pattern[str], text: str, span: Span) -> list[Span]:
    found = (_stripped(text, match.span()) for match in level.finditer(text, *span))
    return [piece for piece in found if piece[0] < piece[1]]


def _stripped(text: str, span: Span) -> Span:
    start, end = span
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    return (start, start + len(piece.strip()))
