"""Whether and how pictures are read while a file is loaded, and who waits for it."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import Literal

from knowledge_base.ocr.cache import OcrCache
from knowledge_base.ocr.models import Models, model_digests
from knowledge_base.ocr.pictures import Picture
from knowledge_base.ocr.text import PictureText
from knowledge_base.values import digest_of

OcrMode = Literal["auto", "off", "force"]

_VERSION = 3  # grows when the same picture gives other words
_AT_ONCE = 2  # pictures in memory


class OcrCancelled(BaseException):
    """Nobody waits for the text any more."""


class Watch:
    """Between whoever waits for pictures and the thread that reads them.

    `page` is the last page of the present file that was read; `stopped`, once set, ends the work.
    """

    def __init__(self) -> None:
        self.page = 0
        self.stopped = threading.Event()

    def check(self) -> None:
        """OcrCancelled once it was stopped."""
        if self.stopped.is_set():
            raise OcrCancelled


class Ocr:
    """Reads pictures, each once.

    Args:
        mode: "auto" reads pictures and what else has no text, "off" none, "force" PDF pages with text too.
        cache: the file that keeps what was read; None keeps nothing.
        cores: how many pictures or lines are read at a time; all cores by default.
    """

    def __init__(self, mode: OcrMode = "auto", cache: Path | None = None, cores: int | None = None) -> None:
        self.mode = mode
        self._cache = OcrCache(cache, digest_of(f"{_VERSION} {model_digests()}".encode())) if cache else None
        self._cores = cores

    def read(self, pictures: Iterable[Picture | None], watch: Watch) -> Iterator[PictureText | None]:
        """What each picture says, in order, None where there is none; OcrCancelled if nobody waits."""
        watch.page = 0
        waiting = iter(pictures)
        while some := list(islice(waiting, _AT_ONCE)):
            texts = self._read([picture for picture in some if picture], watch)
            for picture in some:
                yield next(texts) if picture else None
                watch.page += 1

    def forget(self) -> None:
        """Forget what was read: of which documents the pictures were is not known."""
        if self._cache:
            self._cache.clear()

    def _read(self, pictures: Sequence[Picture], watch: Watch) -> Iterator[PictureText]:
        digests = [picture.digest for picture in pictures]
        kept = {digest: self._cache.get(digest) if self._cache else None for digest in digests}
        missing = {d: picture for d, picture in zip(digests, pictures, strict=True) if kept[d] is None}
        fresh = self._fresh(list(missing.values()), watch)
        for digest in digests:
            watch.check()
            text = kept[digest]
            if text is None:
                text = kept[digest] = next(fresh)
                if self._cache:
                    self._cache.put(digest, text)
            yield text

    def _fresh(self, pictures: Sequence[Picture], watch: Watch) -> Iterator[PictureText]:
        if not pictures:
            return iter(())
        from knowledge_base.ocr.reading import PictureReader  # here, as OpenCV takes a while to be imported

        return PictureReader(_MODELS, self._cores).read(pictures, watch.check)


_MODELS = Models()  # loaded at first use, for all of a process
_IN_USE: ContextVar[tuple[Ocr, Watch]] = ContextVar("ocr", default=(Ocr(), Watch()))  # noqa: B039 - immutable


def ocr_in_use() -> tuple[Ocr, Watch]:
    """How pictures are read while this file is loaded, and who waits."""
    return _IN_USE.get()


@contextmanager
def using_ocr(ocr: Ocr, watch: Watch) -> Iterator[None]:
    """Loaders called in the block read pictures so."""
    token = _IN_USE.set((ocr, watch))
    try:
        yield
    finally:
        _IN_USE.reset(token)
