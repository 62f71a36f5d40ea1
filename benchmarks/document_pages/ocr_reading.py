"""One reader of pictures over files: seconds, memory and text of each, as JSON.

usage: PYTHON benchmarks/document_pages/ocr_reading.py READER FILE …

It imports nothing that a reader does not need, so that the memory is the reader's.
"""

import io
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

Run = dict[str, float | str]


def domainqa() -> Callable[[bytes], str]:
    """Our loader."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from knowledge_base.loaders.picture import load_picture  # noqa: PLC0415 - each reader imports its own library

    return lambda data: "\n".join(block.text for block in load_picture(data).blocks)


def rapidocr() -> Callable[[bytes], str]:
    """RapidOCR page by page."""
    from rapidocr import RapidOCR  # noqa: PLC0415

    reader = RapidOCR()

    def read(data: bytes) -> str:
        lines: list[str] = []
        with Image.open(io.BytesIO(data)) as image:
            for page in range(image.n_frames):
                image.seek(page)
                lines += reader(np.asarray(image.convert("RGB"))).txts or ()
        return "\n".join(lines)

    return read


def measure(reader: str, files: Sequence[Path]) -> dict[str, Run]:
    """What a reader takes for each file, in this process."""
    read = {"domainqa": domainqa, "rapidocr": rapidocr}[reader]()
    read(_small_picture())
    runs: dict[str, Run] = {}
    for file in files:
        data = file.read_bytes()
        start, cpu = time.perf_counter(), time.process_time()
        text = read(data)
        runs[file.stem] = {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - cpu,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "text": text,
        }
    return runs


def _small_picture() -> bytes:
    image = Image.new("RGB", (400, 100), "white")
    ImageDraw.Draw(image).text((20, 30), "Warming up", fill="black", font_size=28)
    buffer = io.BytesIO()
    image.save(buffer, "TIFF")
    return buffer.getvalue()


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], [Path(file) for file in sys.argv[2:]])))
