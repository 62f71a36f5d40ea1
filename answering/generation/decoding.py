"""From tokens to text: guesses of what comes next, whole characters, stop texts, thoughts."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from answering.generation.protocol import Cancelled, Finish, Pieces, Request

THINK, END_THINK = "<think>", "</think>"

_INCOMPLETE = "\ufffd"


class Lookup:
    """Guesses tokens from what followed the last two where they stood before: answers copy from passages.

    Prompt lookup decoding (Saxena, github.com/apoorvumang/prompt-lookup-decoding, 2023), a form of
    speculative decoding (Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023,
    section 2): a model reads several guessed tokens in about the time of one, and keeps those that it would
    have written.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids: list[int] = []
        self._after: dict[tuple[int, int], int] = {}
        for token in ids:
            self.add(token)

    def add(self, token: int) -> None:
        """Continue the text with `token`."""
        if len(self._ids) > 1:
            self._after[self._ids[-2], self._ids[-1]] = len(self._ids)
        self._ids.append(token)

    def guess(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens that may come next; none where the last two are new together."""
        start = self._after.get((self._ids[-2], self._ids[-1])) if len(self._ids) > 1 else None
        return () if start is None else tuple(self._ids[start : start + most])


class TokenText:
    """Text of a growing sequence of token ids.

    A character may be spread over several tokens (Chinese, emoji), and a tokenizer may write a token
    differently after another one. So a few tokens before the new one are decoded with it, and what ends in
    the middle of a character waits for its rest.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        self._written = 0

    def push(self, token: int) -> str:
        """The text that `token` completes, "" while a character is incomplete."""
        self._ids.append(token)
        before, after = self._decoded()
        if after.endswith(_INCOMPLETE) or len(after) <= len(before):
            return ""
        self._context, self._written = self._written, len(self._ids)
        return after[len(before) :]

    def rest(self) -> str:
        """What is left at the end, without the bytes of a character that never became whole."""
        before, after = self._decoded()
        self._context = self._written = len(self._ids)
        return after[len(before) :].rstrip(_INCOMPLETE)

    def _decoded(self) -> tuple[str, str]:
        """The last texts without and with the tokens that are not written yet."""
        ids = self._ids[self._context :]
        return self._decode(ids[: self._written - self._context]), self._decode(ids)


class StopFilter:
    """Passes text on until one of the stop texts appears, which is held back with all that follows it."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.stopped = False

    def push(self, text: str) -> str:
        """What can be shown of `text` and of what was held back before."""
        if self.stopped:
            return ""
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        self.stopped = bool(found)
        shown = min(found) if found else len(self._held) - partial_end(self._held, self._stops)
        released, self._held = self._held[:shown], "" if found else self._held[shown:]
        return released

    def rest(self) -> str:
        """What was held back for a stop text that did not come."""
        released, self._held = self._held, ""
        return released


class ThoughtFilter:
    """Keeps what a model thinks, between <think> and </think>, apart from what it says.

    `text` is what it has said so far, `thought` what it has thought. A model whose prompt opens the thought
    writes the closing mark alone: then all before it was thought.
    """

    def __init__(self) -> None:
        self.text = ""
        self.thought = ""
        self._inside = False
        self._held = ""

    def push(self, piece: str) -> str:
        """What can be shown of `piece` and of what was held back before."""
        self._held += piece
        shown = ""
        while found := re.search(f"{THINK}|{END_THINK}", self._held):
            shown += self._take(self._held[: found.start()])
            if found[0] == END_THINK and not self._inside:
                self.thought, self.text, shown = self.thought + self.text, "", ""
            self._inside = found[0] == THINK
            self._held = self._held[found.end() :]
        keep = len(self._held) - partial_end(self._held, (THINK, END_THINK))
        shown += self._take(self._held[:keep])
        self._held = self._held[keep:]
        return shown

    def rest(self) -> str:
        """What was held back for a mark that did not come."""
        held, self._held = self._held, ""
        return self._take(held)

    def _take(self, piece: str) -> str:
        if self._inside:
            self.thought += piece
            return ""
        shown = piece if self.text else piece.lstrip()
        self.text += shown
        return shown


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some text of a streamed reply, some of the reasoning before it, or how it ended."""

    text: str = ""
    reasoning: str = ""
    finish: Finish | None = None


def write(chunks: Iterable[Chunk], request: Request, cancelled: Cancelled) -> Pieces:
    """The reply of a server as a generator writes it: up to a stop text, the reasoning between marks."""
    stop, finish, thinks = StopFilter(request.stop), None, False
    for chunk in chunks:
        finish = chunk.finish or finish
        if chunk.reasoning and request.reasoning:
            yield chunk.reasoning if thinks else THINK + chunk.reasoning
            thinks = True
        if chunk.text and thinks:
            yield END_THINK
            thinks = False
        if piece := stop.push(chunk.text):
            yield piece
        if stop.stopped:
            return "stop"
    if thinks:
        yield END_THINK
    if not cancelled() and (piece := stop.rest()):
        yield piece
    return finish


def partial_end(text: str, marks: Sequence[str]) -> int:
    """Length of the longest end of `text` that could still become one of `marks`."""
    sizes = (size for mark in marks for size in range(1, min(len(mark), len(text) + 1)))
    return max((size for size in sizes if any(text.endswith(mark[:size]) for mark in marks)), default=0)
