"""Text in pictures."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from knowledge_base.errors import StorageError
from knowledge_base.ocr import Ocr, Picture, PictureText, Watch, reading
from knowledge_base.ocr.use import OcrCancelled
from tests.knowledge_base.ocr.drawing import SENTENCES, written


def picture(image: Image.Image) -> Picture:
    return Picture(np.asarray(image.convert("RGB")))


def read(ocr: Ocr, *images: Image.Image) -> list[PictureText]:
    return [text for text in ocr.read(map(picture, images), Watch()) if text]


def lines_of(text: PictureText) -> list[str]:
    """The lines from top to bottom."""
    lines: dict[int, list[str]] = {}
    for word in sorted(text.words, key=lambda word: (round(word.top / 20), word.left)):
        lines.setdefault(word.line, []).append(word.text)
    return [" ".join(words) for words in lines.values()]


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_turned_pictures_are_set_upright(quarters: int) -> None:
    turned = written(SENTENCES).rotate(90 * quarters, expand=True)
    (found,) = read(Ocr(), turned)
    assert lines_of(found) == list(SENTENCES)
    assert found.quarters == quarters
    assert (found.width, found.height) == (900, 240)
    assert found.confidence > 0.9


@pytest.mark.parametrize("size", [14, 16, 18])
def test_small_letters_keep_the_blanks_between_words(size: int) -> None:
    (found,) = read(Ocr(), written(SENTENCES, size, (520, 130)))
    assert lines_of(found) == list(SENTENCES)


def test_words_stand_where_they_are_seen() -> None:
    (found,) = read(Ocr(), written([SENTENCES[0]], shape=(900, 100)))
    places = {word.text: (word.left, word.right) for word in found.words}
    assert places["The"][0] < 45
    assert places["The"][1] < places["annual"][0] < places["platinum"][0] < places["yuan."][0] < 900
    assert all(word.top < 40 < word.bottom for word in found.words)


def test_a_slope_is_taken_out() -> None:
    (found,) = read(Ocr(), written(SENTENCES, shape=(900, 240)).rotate(2, fillcolor="white", expand=True))
    assert lines_of(found) == list(SENTENCES)
    assert found.slope == pytest.approx(np.tan(np.radians(2)), abs=0.005)
    tops = [word.top for word in found.words if word.line == found.words[0].line]
    assert max(tops) - min(tops) < 1


def test_an_empty_picture_has_no_words() -> None:
    (found,) = read(Ocr(), Image.new("RGB", (400, 300), "white"))
    assert (found.words, found.confidence) == ((), 0.0)


def test_nothing_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [written([sentence], shape=(900, 100)) for sentence in SENTENCES[:2]]
    first = read(Ocr(cache=tmp_path / "home" / "ocr.sqlite"), *pages, pages[0])
    assert first[0] == first[2] != first[1]

    def fail(*_: object) -> Iterator[PictureText]:
        raise AssertionError("read again")

    monkeypatch.setattr(Ocr, "_fresh", lambda _self, pictures, _watch: fail() if pictures else iter(()))
    again = read(Ocr(cache=tmp_path / "home" / "ocr.sqlite"), *reversed(pages))
    assert [text.words for text in again] == [
        PictureText.from_json(text.as_json()).words for text in (first[1], first[0])
    ]


def test_a_damaged_cache_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "ocr.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(StorageError, match=r"ocr\.sqlite") as caught:
        read(Ocr(cache=tmp_path / "ocr.sqlite"), written(SENTENCES))
    assert "delete that file" in caught.value.remedy
    sqlite3.connect(tmp_path / "new.sqlite").close()


def test_work_ends_when_nobody_waits() -> None:
    watch = Watch()
    pages = Ocr().read(map(picture, [written([text], shape=(900, 100)) for text in SENTENCES * 3]), watch)
    assert next(pages)
    watch.stopped.set()
    with pytest.raises(OcrCancelled):
        list(pages)
    assert watch.page < 9


def test_who_reads_no_pictures_loads_no_models() -> None:
    code = (
        "import sys; from knowledge_base.loaders import parse; parse(b'Text.', 'txt');"
        "assert not {'cv2', 'onnxruntime', 'rapidocr'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_lies_within_letters_is_no_drawn_line() -> None:
    line = (0.0, 10.0, 100.0, 20.0)
    assert reading._is_stroke((10.0, 14.0, 40.0, 16.0), line)
    assert not reading._is_stroke((10.0, 19.0, 40.0, 20.0), line)  # underlines it
    assert not reading._is_stroke((10.0, 14.0, 140.0, 16.0), line)
