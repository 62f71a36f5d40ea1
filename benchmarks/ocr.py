"""OCR of A4 pages at 200 dpi, ours beside rapidocr called page by page with its defaults, in turns.

usage: python benchmarks/ocr.py [--pages N] [--rounds N] [--json FILE]

Each reader runs in a process of its own, once a round: it loads its models, reads a small picture, and then
the pages of one TIFF in each language. Seconds and CPU seconds are those of the pages, the fewest of all
rounds. Memory is the most that the process ever held, models and Python included. The error rate is the edit
distance to the true text over its length; line ends count as blanks, and not at all in Chinese.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this folder's retrieval.py is not the package

import argparse
import io
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image
from rapidfuzz.distance import Levenshtein

from benchmarks.document_pages.pages import Language
from benchmarks.document_pages.pdf import scanned_text
from benchmarks.measuring import Figure, save, show

_READERS = ("domainqa", "rapidocr")
_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_DPI = 200
_SLANTS = (0.4, -0.3)  # degrees
_NOISE = 9.0  # grey levels
_READING = Path(__file__).parent / "document_pages" / "ocr_reading.py"

Run = Mapping[str, float | str]


def scan(language: Language, pages: int) -> tuple[bytes, str]:
    """Pages as an office scanner saves them, as one TIFF, and their true text."""
    import pypdfium2

    data, text = scanned_text(language, pages)
    noise = np.random.default_rng(0)
    images = []
    for number, page in enumerate(pypdfium2.PdfDocument(data)):
        image = page.render(scale=_DPI / 72).to_pil().convert("L")
        image = image.rotate(_SLANTS[number % 2], Image.Resampling.BICUBIC, fillcolor=255)
        grey = np.asarray(image) * 0.88 + 20 + noise.normal(0, _NOISE, (image.height, image.width))
        images.append(Image.fromarray(grey.clip(0, 255).astype(np.uint8)))
    buffer = io.BytesIO()
    images[0].save(buffer, "TIFF", save_all=True, append_images=images[1:], compression="jpeg")
    return buffer.getvalue(), text


def error_rate(found: str, true: str, language: Language) -> float:
    """Edit distance over the length of the true text."""
    found, true = (("" if language == "zh" else " ").join(text.split()) for text in (found, true))
    return Levenshtein.distance(found, true) / len(true)


def row(language: Language, reader: str, pages: int, true: str, runs: Sequence[Run]) -> dict[str, Figure]:
    """A line of the table: figures a page, the best of all rounds, and the most memory."""
    return {
        "pages": f"{pages} {language}",
        "reader": reader,
        "seconds a page": min(float(run["seconds"]) for run in runs) / pages,
        "CPU seconds a page": min(float(run["cpu"]) for run in runs) / pages,
        "peak MB": round(max(float(run["megabytes"]) for run in runs)),
        "error rate": error_rate(str(runs[-1]["text"]), true, language),
    }


def compare(pages: int, rounds: int, json_file: Path | None) -> None:
    """Run both readers in turns and print the table with its ratios."""
    with tempfile.TemporaryDirectory() as folder:
        files, true = [], {}
        for language in _LANGUAGES:
            data, true[language] = scan(language, pages)
            files.append(Path(folder) / f"{language}.tiff")
            files[-1].write_bytes(data)
        runs: dict[str, list[dict[str, Run]]] = {reader: [] for reader in _READERS}
        for _ in range(rounds):
            for reader in _READERS:
                command = [sys.executable, str(_READING), reader, *map(str, files)]
                out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603
                runs[reader].append(json.loads(out.splitlines()[-1]))
    rows = [
        row(language, reader, pages, true[language], [run[language] for run in runs[reader]])
        for language in _LANGUAGES
        for reader in _READERS
    ]
    show(f"OCR of A4 pages at {_DPI} dpi", rows)
    for ours, theirs in zip(rows[::2], rows[1::2], strict=True):
        ratios = [
            float(theirs[name]) / float(ours[name])
            for name in ("seconds a page", "CPU seconds a page", "peak MB")
        ]
        print(
            "{}: {:.2f} × as fast, {:.2f} × less computing, {:.2f} × less memory".format(
                ours["pages"], *ratios
            )
        )
    save(json_file, "ocr", {"ocr": rows})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=2, help="pages of each language")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    compare(given.pages, given.rounds, given.json)
