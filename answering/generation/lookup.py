"""Guesses what comes next from what has been read: answers copy names, numbers, sentences of passages.

Prompt lookup decoding (Saxena, github.com/apoorvumang/prompt-lookup-decoding, 2023), a form of speculative
decoding (Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023, section 2): a
model reads several guessed tokens in about the time of one, and keeps those that it would have written.
"""

from collections.abc import Sequence


class Lookup:
    """What followed the last two tokens where they stood before."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids: list[int] = []
        self._after: dict[tuple[int, int], int] = {}
        for token in ids:
            self.add(token)

    def add(self, token: int) -> None:
        """The text goes on with `token`."""
        if len(self._ids) > 1:
            self._after[self._ids[-2], self._ids[-1]] = len(self._ids)
        self._ids.append(token)

    def guess(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens that may come next; none where the last two are new together."""
        start = self._after.get((self._ids[-2], self._ids[-1])) if len(self._ids) > 1 else None
        return () if start is None else tuple(self._ids[start : start + most])
