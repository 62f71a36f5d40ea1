"""What a line of text says: one character a step, repeated steps and blanks taken out.

Graves et al., Connectionist Temporal Classification, ICML 2006; the most likely character of each step.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from knowledge_base.ocr.detection import Quad, as_tensor, size_of
from knowledge_base.ocr.models import Models
from knowledge_base.ocr.pictures import Pixels

_HEIGHT = 48  # pixels that the model takes
_NARROWEST, _WIDEST = 96, 4800
_STEP = 8  # the model's pixels a step; widths are multiples of it


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
    width = line.shape[1]
    padded = max(_NARROWEST, -(-width // _STEP) * _STEP)
    tensor = np.zeros((1, 3, _HEIGHT, padded), np.float32)
    tensor[0, :, :, :width] = as_tensor(line)
    probabilities = models.recognise(tensor)[0]
    best = probabilities.argmax(axis=1)
    first = np.flatnonzero((best != 0) & (best != np.concatenate([[-1], best[:-1]])))
    steps = len(best) * width / padded
    characters = models.characters
    return ReadLine(
        "".join(characters[best[start]] for start in first),
        tuple(probabilities[first, best[first]].tolist()),
        tuple(((start + _last(best, start) + 1) / 2 / steps) for start in first.tolist()),
    )


def _last(best: NDArray[np.intp], start: int) -> int:
    """The last step that shows the same character."""
    end = start
    while end + 1 < len(best) and best[end + 1] == best[start]:
        end += 1
    return end
