"""What a line of text says: one character a step, repeated steps and blanks taken out.

Graves et al., Connectionist Temporal Classification, ICML 2006; the most likely character of each step.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from knowledge_base.ocr.detection import Quad, as_tensor, size_of
from knowledge_base.ocr.models import Models, Tensor
from knowledge_base.ocr.pictures import Pixels

_HEIGHT = 48  # pixels that the model takes
_NARROWEST, _WIDEST = 96, 4800
_STEP = 8  # the model's pixels a step; widths are multiples of it
_WINDOW = 960  # pixels of a line that are looked at in one go: the model takes 20 kB for each
_OVERLAP = 96  # pixels that two windows share: two Chinese characters

_Characters = NDArray[np.intp]  # by their numbers; 0 is the blank of CTC


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line's text, and for each character how sure it is and where its middle is along the line, in 0…1."""

    text: str
    confidences: tuple[float, ...]
    middles: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The mean of all characters, 0 for a line without any."""
        return float(np.mean(self.confidences)) if self.confidences else 0.0


def cut_out(pixels: Pixels, quad: Quad) -> Pixels:
    """A line set straight, `_HEIGHT` pixels high."""
    across, down = size_of(quad)
    own = (max(round(across), 1), max(round(down), 1))
    corners = np.array([[0, 0], [own[0], 0], own, [0, own[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, corners)
    line = cv2.warpPerspective(pixels, matrix, own, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    width = int(np.clip(round(own[0] * _HEIGHT / own[1]), _STEP, _WIDEST))
    how = cv2.INTER_AREA if own[1] > _HEIGHT else cv2.INTER_CUBIC
    return cv2.resize(line, (width, _HEIGHT), interpolation=how).astype(np.uint8, copy=False)


def read_line(models: Models, line: Pixels) -> ReadLine:
    """The text of a line that `cut_out` gave."""
    best, sure = _path(models, line)
    first = np.flatnonzero((best != 0) & (best != np.concatenate([[-1], best[:-1]])))
    steps = line.shape[1] / _STEP
    characters = models.characters
    return ReadLine(
        "".join(characters[best[start]] for start in first),
        tuple(sure[first].tolist()),
        tuple(((start + _last(best, start) + 1) / 2 / steps) for start in first.tolist()),
    )


def _path(models: Models, line: Pixels) -> tuple[_Characters, Tensor]:
    """The most likely character of each step, and how likely it is; a long line window by window."""
    best, sure = _look(models, line[:, :_WINDOW])
    shared = _OVERLAP // _STEP
    for start in range(_WINDOW - _OVERLAP, line.shape[1] - _OVERLAP, _WINDOW - _OVERLAP):
        more, more_sure = _look(models, line[:, start : start + _WINDOW])
        seam = _middle_of_longest_run(best[-shared:] == more[:shared])
        kept = len(best) - shared + seam
        best = np.concatenate([best[:kept], more[seam:]])
        sure = np.concatenate([sure[:kept], more_sure[seam:]])
    return best, sure


def _look(models: Models, window: Pixels) -> tuple[_Characters, Tensor]:
    width = window.shape[1]
    padded = max(_NARROWEST, -(-width // _STEP) * _STEP)
    tensor = np.zeros((1, 3, _HEIGHT, padded), np.float32)
    tensor[0, :, :, :width] = as_tensor(window)
    probabilities = models.recognise(tensor)[0]
    return probabilities.argmax(axis=1), probabilities.max(axis=1)


def _middle_of_longest_run(agree: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], agree, [False]])))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return len(agree) // 2
    longest = np.argmax(ends - starts)
    return int(starts[longest] + ends[longest]) // 2


def _last(best: _Characters, start: int) -> int:
    """The last step that shows the same character."""
    end = start
    while end + 1 < len(best) and best[end + 1] == best[start]:
        end += 1
    return end
