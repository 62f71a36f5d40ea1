"""SRT and WebVTT: what is said, as running text without its times."""

import re
from collections.abc import Iterator

from knowledge_base.errors import LoadError
from knowledge_base.loaders.bounds import collected
from knowledge_base.loaders.encoding import decode
from knowledge_base.loaders.lines import joined
from knowledge_base.values import Block, LoadedFile

_TIMES = re.compile(
    r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3}).*"
)
_MARKS = re.compile(r"</?(?:[a-z]+[^<>]*|\d\d:[\d:.]+)>|\{\\[^}]*\}", re.IGNORECASE)
_SPEAKER = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]+)>")
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’」）)]*$")
_PAUSE = 4.0  # seconds without words, after which a new paragraph begins
_LONG = 400  # characters after which a paragraph ends with its sentence


def load_subtitles(data: bytes) -> LoadedFile:
    """Read subtitles; LoadError if there are no times in them."""
    text = decode(data)
    if not _TIMES.search(text):
        raise LoadError("The file contains no subtitles: no line has a time.", "Export them again.")
    return collected("", _paragraphs(_cues(text)))


def _cues(text: str) -> Iterator[tuple[float, float, str]]:
    """When each cue begins and ends, and its text."""
    for part in re.split(r"\n\s*\n", text):
        lines = part.strip().split("\n")
        place = next((number for number, line in enumerate(lines) if _TIMES.match(line.strip())), None)
        if place is None:
            continue
        times = _TIMES.match(lines[place].strip())
        assert times is not None  # the line was found by it
        words = [_SPEAKER.sub(r"\1: ", line) for line in lines[place + 1 :]]
        said = joined([_MARKS.sub("", line) for line in words])
        if said:
            yield _seconds(times.groups()[:4]), _seconds(times.groups()[4:]), said


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, rest = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{rest}")


def _paragraphs(cues: Iterator[tuple[float, float, str]]) -> Iterator[Block]:
    lines: list[str] = []
    last = 0.0
    for begins, ends, said in cues:
        length = sum(map(len, lines))
        pause = begins - last > _PAUSE
        if lines and (pause or (length > _LONG and _SENTENCE_END.search(lines[-1])) or length > 3 * _LONG):
            yield Block(joined(lines))
            lines = []
        if not lines or lines[-1] != said:  # cues that roll upwards repeat their line
            lines.append(said)
        last = ends
    if lines:
        yield Block(joined(lines))
