"""The two models of PP-OCRv6, taken from the wheel of rapidocr as they lie there; nothing is downloaded.

Only its model files are used. Its code runs one page at a time and takes more than twice the computing time a
page; see `benchmarks/documents.py`.
"""

import hashlib
import threading
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from knowledge_base.errors import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_DETECTION = (
    "PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
_RECOGNITION = (
    "PP-OCRv6_rec_small.onnx",
    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)
_REPAIR = 'Install domainqa again, or set ocr = "off".'

Tensor = NDArray[np.float32]


class Models:
    """Both models, loaded at first use; many threads may run them at once, each on one core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def detect(self, pixels: Tensor) -> Tensor:
        """Where text is: [1, 3, height, width] in -1…1 to probabilities [height, width]."""
        with self._lock:
            session = self._detection
        likely: Tensor = _run(session, pixels)[0, 0]
        return likely

    def recognise(self, lines: Tensor) -> Tensor:
        """Which characters lines show: [lines, 3, 48, width] to probabilities [lines, steps, characters]."""
        with self._lock:
            session = self._recognition
        return _run(session, lines)

    @property
    def characters(self) -> tuple[str, ...]:
        """What the columns of `recognise` mean; the first is the blank of CTC, "" here."""
        with self._lock:
            return self._characters

    @cached_property
    def _detection(self) -> "InferenceSession":
        return _session(*_DETECTION)

    @cached_property
    def _recognition(self) -> "InferenceSession":
        return _session(*_RECOGNITION)

    @cached_property
    def _characters(self) -> tuple[str, ...]:
        listed = self._recognition.get_modelmeta().custom_metadata_map["character"]
        return ("", *listed.splitlines(), " ")


def model_digests() -> str:
    """What the text read by these models depends on."""
    return f"{_DETECTION[1]}{_RECOGNITION[1]}"


def _session(name: str, digest: str) -> "InferenceSession":
    import onnxruntime  # here, as it takes a second: who has no pictures need not wait for it

    place = find_spec("rapidocr")  # finds its folder and runs none of its code
    if place is None or place.origin is None:
        raise ModelError("The package rapidocr with the models for OCR is missing.", _REPAIR)
    file = Path(place.origin).parent / "models" / name
    try:
        with file.open("rb") as data:
            found = hashlib.file_digest(data, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"The model for OCR {file} cannot be read: {error.strerror}.", _REPAIR) from error
    if found != digest:
        raise ModelError(f"The model for OCR {file} is not the one that this version was made for.", _REPAIR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # lines run side by side instead
    options.enable_mem_pattern = False  # planned for each of many sizes, and kept
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def _run(session: "InferenceSession", pixels: Tensor) -> Tensor:
    outputs: Any = session.run(None, {"x": pixels})
    return np.asarray(outputs[0], np.float32)
