"""A loaded file becomes one text and its passages: cut by pages, headings and sentences, within a budget.

The smallest pieces (units) are headings, sentences and table rows. All units of a document are counted in
one call; a passage is a run of units whose counts fit. As tokenizers do not quite add up, finished passages
are counted once more, and the few that are too long after all are divided again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, takewhile
from math import ceil

from knowledge_base.sentences import sentence_spans
from knowledge_base.values import Block, LoadedFile, Passage

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


VERSION = 2  # grows when many files give other passages; a collection remembers it
MIN_TOKENS = 16

CountTokens = Callable[[Sequence[str]], list[int]]
Headings = tuple[str, ...]  # of headings, highest first

# How good it is to begin a passage at a unit.
_IN_SENTENCE, _SENTENCE, _BLOCK, _HEADING = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Chunking:
    """How long passages may be.

    `count_tokens` gives the tokens of each text, its special ones included, whole even where the
    embedder would cut it off;
    `max_tokens` limits `Passage.indexed_text`, that is title, headings and text together.
    """

    count_tokens: CountTokens
    max_tokens: int = 256

    def __post_init__(self) -> None:
        if self.max_tokens < MIN_TOKENS:
            raise ValueError(f"max_tokens is {self.max_tokens}; passages need at least {MIN_TOKENS}")


@dataclass(frozen=True, slots=True)
class Chunked:
    """A document's title, its whole text and its passages, each a slice of the text."""

    title: str
    text: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A heading, sentence or row: `tokens` without special ones, `room` of a passage that begins here."""

    start: int
    end: int
    strength: int
    place: Place
    heading: bool
    page: int | None
    ocr: float | None
    tokens: int = 0
    room: int = 0


def chunk(loaded: LoadedFile, path: str, chunking: Chunking) -> Chunked:
    """Cut a file into passages; `path` names the document and, where nothing else does, gives its title.

    Passages cover all text that is not white space, notes of what was not read aside, in order and without
    overlap, and none crosses a page or a top heading (see `places`). A heading stays with what follows it.
    """
    blocks = [block for block in loaded.blocks if block.text.strip()]
    text = "\n".join(block.text for block in blocks)
    title = shortened(loaded.title) or _first_heading(blocks) or _stem(path)
    return _Chunker(text, path, chunking).chunked(title, blocks)


def _first_heading(blocks: Sequence[Block]) -> str:
    return next((shortened(block.text) for block in blocks if block.kind == "heading"), "")


def _stem(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


class _Chunker:
    def __init__(self, text: str, path: str, chunking: Chunking) -> None:
        self._text = text
        self._path = path
        self._count = chunking.count_tokens
        self._limit = chunking.max_tokens
        self._frame = chunking.count_tokens([""])[0]
        self._title = ""

    def chunked(self, title: str, blocks: Sequence[Block]) -> Chunked:
        self._title = self._fitting_title(title)
        units = self._measured(list(_units(blocks)))
        runs = []
        for _, group in groupby(units, key=lambda unit: unit.place.region):
            region = list(group)
            sizes, rooms = [unit.tokens for unit in region], [unit.room for unit in region]
            runs += [region[first:end] for first, end in pack(sizes, rooms, _strengths(region))]
        passages = (replace(passage, ordinal=number) for number, passage in enumerate(self._fitting(runs)))
        return Chunked(self._title, self._text, tuple(passages))

    def _sizes(self, texts: Sequence[str]) -> list[int]:
        return [count - self._frame for count in self._count(texts)]

    def _fitting_title(self, title: str) -> str:
        """The title, shortened until it takes a quarter of a passage at most."""
        while title and self._sizes([title])[0] > (self._limit - self._frame) // 4:
            half = title[: len(title) // 2].rstrip("… ")
            title = f"{half}…" if half else ""
        return title

    def _measured(self, units: list[_Unit]) -> list[_Unit]:
        """Units with sizes and rooms; those too long for a passage are cut."""
        prefixes = self._fitting_paths({unit.place.path for unit in units})
        sizes = self._sizes([self._text[unit.start : unit.end] for unit in units])
        measured = []
        for unit, size in zip(units, sizes, strict=True):
            path, prefix = prefixes[unit.place.path]
            room = self._limit - self._frame - prefix
            place = Place(path, unit.place.region)
            measured.append(replace(unit, place=place, tokens=size, room=room))
        return self._cut(measured)

    def _fitting_paths(self, paths: set[Headings]) -> dict[Headings, tuple[Headings, int]]:
        """For each path of headings what of it is used, the lowest, and its size with the title.

        Title and headings together take half of a passage at most, so that there is room for its text.
        """
        fitted: dict[Headings, tuple[Headings, int]] = {}
        pending = {path: path for path in paths}
        while pending:
            sizes = self._sizes([self._passage(path).indexed_text for path in pending.values()])
            shorter = {}
            for (path, used), size in zip(pending.items(), sizes, strict=True):
                if used and size > (self._limit - self._frame) // 2:
                    shorter[path] = used[1:]
                else:
                    fitted[path] = (used, size)
            pending = shorter
        return fitted

    def _cut(self, units: list[_Unit]) -> list[_Unit]:
        """Replace each unit that is too long for a passage, or for one with its headings, by its pieces."""
        limits = _limits(units)
        long = [index for index, unit in enumerate(units) if unit.tokens > limits[index]]
        spans = [(units[index].start, units[index].end) for index in long]
        pieces = cut(self._text, spans, [limits[index] for index in long], self._sizes)
        cuts = dict(zip(long, pieces, strict=True))
        result = []
        for index, unit in enumerate(units):
            if index in cuts:
                result += [_piece(unit, span, size) for span, size in cuts[index]]
            else:
                result.append(unit)
        return result

    def _fitting(self, runs: list[list[_Unit]]) -> list[Passage]:
        """Passages of the runs; a run that is too long when counted as a whole is divided again."""
        done: list[Passage] = []
        while runs:
            passages = [self._passage_of(run) for run in runs]
            counts = self._count([passage.indexed_text for passage in passages])
            divided: list[list[_Unit]] = []
            for run, passage, count in zip(runs, passages, counts, strict=True):
                parts = self._divided(run) if count > self._limit else []
                if parts:
                    divided += parts
                else:
                    done.append(passage)
            runs = divided
        return sorted(done, key=lambda passage: passage.start)

    def _divided(self, run: list[_Unit]) -> list[list[_Unit]]:
        """A run in two, or nothing if it cannot be divided."""
        strengths = _strengths(run)
        allowed = [place for place in range(1, len(run)) if strengths[place] != FORBIDDEN]
        if allowed:
            place = min(allowed, key=lambda place: abs(2 * place - len(run)))
            return [run[:place], run[place:]]
        parts = halves(self._text, (run[-1].start, run[-1].end))
        if parts:
            first, second = (_piece(run[-1], span, 0) for span in parts)
            return [[*run[:-1], first], [second]]
        return [run[:-1], run[-1:]] if len(run) > 1 else []

    def _passage_of(self, run: list[_Unit]) -> Passage:
        paths = [unit.place.path for unit in run if not unit.heading] or [run[0].place.path]
        passage = self._passage(_common(paths), run[0].start, run[-1].end)
        return replace(passage, page=run[0].page, ocr=_confidence(run))

    def _passage(self, path: Headings, start: int = 0, end: int = 0) -> Passage:
        return Passage(self._path, 0, self._text[start:end], start, end, self._title, path)


def _confidence(units: Sequence[_Unit]) -> float | None:
    """The mean confidence of what OCR read, weighted by length."""
    read = [(unit.ocr, unit.end - unit.start) for unit in units if unit.ocr is not None]
    length = sum(weight for _, weight in read)
    return sum(ocr * weight for ocr, weight in read) / length if length else None


def _units(blocks: Sequence[Block]) -> Iterator[_Unit]:
    """Headings, rows and sentences of the text that is the blocks joined by newlines."""
    offset = 0
    introduced = False  # by a colon: what is listed stays with what announces it, if that can be
    for block, place in zip(blocks, places(blocks), strict=True):
        heading = block.kind == "heading"
        strength = _HEADING if heading else _SENTENCE if introduced else _BLOCK
        for number, (start, end) in enumerate(_spans(block)):
            worth = strength if number == 0 else _SENTENCE
            yield _Unit(offset + start, offset + end, worth, place, heading, block.page, block.ocr)
        introduced = block.text.rstrip().endswith((":", "："))
        offset += len(block.text) + 1


def _spans(block: Block) -> list[Span]:
    """The sentences of a text, or a heading or row whole; nothing of a note, which is not the document's."""
    if block.kind == "text":
        return sentence_spans(block.text)
    return [_stripped(block.text, (0, len(block.text)))] if block.kind != "note" else []


def _piece(unit: _Unit, span: tuple[int, int], size: int) -> _Unit:
    strength = unit.strength if span[0] == unit.start else _IN_SENTENCE
    return replace(unit, start=span[0], end=span[1], tokens=size, strength=strength, heading=False)


def _strengths(units: Sequence[_Unit]) -> list[int]:
    """How good it is to begin a passage at each unit; never between a heading and what follows it."""
    after_heading = [False, *(unit.heading for unit in units)]
    return [FORBIDDEN if after else unit.strength for unit, after in zip(units, after_heading, strict=False)]


def _limits(units: Sequence[_Unit]) -> list[int]:
    """How long each unit may be: the room of a passage, less the headings that must stand before it."""
    limits = []
    above = 0
    for index, unit in enumerate(units):
        if index and unit.place.region != units[index - 1].place.region:
            above = 0
        limits.append(max(unit.room - above, unit.room // 4))
        above = above + unit.tokens if unit.heading else 0
    return limits


def _common(paths: Sequence[Headings]) -> Headings:
    levels = zip(*paths, strict=False)
    return tuple(same[0] for same in takewhile(lambda level: len(set(level)) == 1, levels))
