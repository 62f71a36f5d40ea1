"""Files that are on the disk, whole, when a function returns: what a kill or a power cut must not halve."""

import hashlib
import os
import uuid
from pathlib import Path

_BLOCK = 1 << 20


def write_whole(file: Path, text: str) -> None:
    """Give `file` this text in one step: who reads it sees the old text or the new one."""
    fresh = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        fresh.write_text(text, encoding="utf-8")
        flush(fresh)
        fresh.replace(file)
        flush(file.parent)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def copy_file(source: Path, target: Path) -> str:
    """Copy the contents of a file and bring them to the disk; returns their SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(_BLOCK):
            digest.update(block)
            write.write(block)
    flush(target)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Bring a file's contents, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
