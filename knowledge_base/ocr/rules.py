"""Lines drawn in a picture, as those of tables."""

import cv2
import numpy as np

from knowledge_base.ocr.pictures import Pixels

_LONGER = 1.6  # times the height of a line of text: shorter strokes belong to letters
_THINNER = 0.4  # of that height
_BREAK = 7  # pixels of a line that a scanner may have lost
_MOST = 2000  # more belong to a drawing
_INK = 12  # grey levels darker than what is around


def find_rules(
    pixels: Pixels, slope: float, text_height: float
) -> tuple[tuple[float, float, float, float], ...]:
    """Boxes (left, top, right, bottom) of horizontal and vertical lines, once the slope is taken out."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    if slope:
        shear = np.array([[1, -slope, slope * height / 2], [slope, 1, -slope * width / 2]], np.float32)
        grey = cv2.warpAffine(grey, shear, (width, height), borderValue=255)
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, _INK)
    del grey  # pictures are large
    longest = max(round(_LONGER * text_height), 20)
    boxes: list[tuple[float, float, float, float]] = []
    for along in ((longest, 1), (1, longest)):
        gap = (_BREAK, 1) if along[0] > 1 else (1, _BREAK)
        whole = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones(gap[::-1], np.uint8))
        lines = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones(along[::-1], np.uint8), dst=whole)
        contours, _ = cv2.findContours(lines, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for left, top, across, down in map(cv2.boundingRect, contours):
            if min(across, down) <= max(_THINNER * text_height, 3):
                boxes.append((float(left), float(top), float(left + across), float(top + down)))
    return tuple(boxes) if len(boxes) <= _MOST else ()
