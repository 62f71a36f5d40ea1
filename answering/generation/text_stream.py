"""Token ids become text piece by piece: never half a character, never beyond a stop text."""

from collections.abc import Callable, Sequence

Decode = Callable[[list[int]], str]
_INCOMPLETE = "\ufffd"


class TokenText:
    """Text of a growing sequence of token ids.

    A character may be spread over several tokens (Chinese, emoji), and a tokenizer may write a token
    differently after another one. So a few tokens before the new one are decoded with it, and what ends in
    the middle of a character waits for its rest.
    """

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._ids: list[int] = []
        self._context = 0
        self._written = 0

    def push(self, token: int) -> str:
        """The text that `token` completes, "" while a character is incomplete."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._written])
        after = self._decode(self._ids[self._context :])
        if after.endswith(_INCOMPLETE) or len(after) <= len(before):
            return ""
        self._context, self._written = self._written, len(self._ids)
        return after[len(before) :]

    def rest(self) -> str:
        """What is left at the end, without the bytes of a character that never became whole."""
        before = self._decode(self._ids[self._context : self._written])
        after = self._decode(self._ids[self._context :])
        self._context = self._written = len(self._ids)
        return after[len(before) :].rstrip(_INCOMPLETE)


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
        shown = min(found) if found else len(self._held) - self._possible_start()
        released, self._held = self._held[:shown], "" if found else self._held[shown:]
        return released

    def rest(self) -> str:
        """What was held back for a stop text that did not come."""
        released, self._held = self._held, ""
        return released

    def _possible_start(self) -> int:
        """Length of the longest end of the held text that could still become a stop text."""
        return max(
            (
                size
                for stop in self._stops
                for size in range(1, min(len(stop), len(self._held) + 1))
                if self._held.endswith(stop[:size])
            ),
            default=0,
        )
