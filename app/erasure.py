"""Deleted is gone: what the home still holds of deleted documents is removed, and looked for."""

import json
import sqlite3
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

from retrieval.storage import translate_errors

_BLOCK = 1 << 20


def mentions(value: object, paths: Collection[str]) -> bool:
    """Whether anywhere in a value of JSON a "document" is one of `paths`."""
    if isinstance(value, dict):
        return value.get("document") in paths or any(mentions(part, paths) for part in value.values())
    return isinstance(value, list) and any(mentions(part, paths) for part in value)


def traces(home: Path, texts: Sequence[str]) -> list[tuple[Path, str]]:
    """Files below `home` that hold one of `texts`, each with the text; StorageError if one cannot be read.

    Every file is looked through, free pages of databases included, for the text as UTF-8 and as JSON writes
    it; so are members of zip archives, and what OCR has read, which is kept compressed.
    """
    needles = {form: text for text in texts for form in _forms(text)}
    found = []
    with translate_errors(home):
        for file in sorted(path for path in home.rglob("*") if path.is_file()):
            hits = {text for block in _contents(file) for form, text in needles.items() if form in block}
            found += [(file.relative_to(home), text) for text in sorted(hits)]
    return found


def _forms(text: str) -> set[bytes]:
    escaped = json.dumps(text)[1:-1]
    return {text.encode(), escaped.encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}


def _contents(file: Path) -> Iterator[bytes]:
    """Blocks of a file that overlap, so that no text is cut; then what is compressed in it."""
    rest = b""
    with suppress(FileNotFoundError), file.open("rb") as stream:  # gone meanwhile
        while block := stream.read(_BLOCK):
            yield rest + block
            rest = block[-4096:]
    if zipfile.is_zipfile(file):
        damage = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError)
        with suppress(*damage), zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                yield member.filename.encode()
                yield archive.read(member)
    if file.name == "ocr.sqlite":
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as cache:
            for (body,) in cache.execute("SELECT text FROM pictures"):
                yield zlib.decompress(body)
