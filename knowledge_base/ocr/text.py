"""What was read in a picture, as a value that can be kept."""

import json
from dataclasses import dataclass
from typing import NamedTuple


class ReadWord(NamedTuple):
    """Characters without a blank between them, or one Chinese character, and their box in pixels.

    `line` numbers the lines of the picture, `spaced` says that a blank stands before the word in its line;
    `confidence` is 0…1.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    line: int
    spaced: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class PictureText:
    """The words of a picture that was turned upright and then levelled.

    `quarters` are the quarter turns clockwise that set it upright, `width` and `height` its pixels after
    that. `slope` is how far its lines rise then, in pixels up for each pixel to the right of the middle;
    boxes are given as if they did not. `rules` are the boxes (left, top, right, bottom) of drawn lines.
    """

    width: int
    height: int
    quarters: int = 0
    slope: float = 0.0
    words: tuple[ReadWord, ...] = ()
    rules: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def confidence(self) -> float:
        """The mean of all characters, 0 where nothing was read."""
        letters = sum(len(word.text) for word in self.words)
        return sum(word.confidence * len(word.text) for word in self.words) / letters if letters else 0.0

    def as_json(self) -> str:
        """The value as a text that `from_json` reads."""
        words = [[word.text, *(round(edge, 1) for edge in word[1:5]), *word[5:]] for word in self.words]
        turn = (self.width, self.height, self.quarters, self.slope)
        return json.dumps([*turn, words, self.rules], ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "PictureText":
        """The value that `as_json` wrote; ValueError or TypeError for any other text."""
        width, height, quarters, slope, words, rules = json.loads(text)
        read = tuple(ReadWord(*word) for word in words)
        return cls(width, height, quarters, slope, read, tuple(tuple(rule) for rule in rules))
